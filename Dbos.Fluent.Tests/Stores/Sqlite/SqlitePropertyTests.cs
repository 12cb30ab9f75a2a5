using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteDeterminismTests(SqliteDatabases f) : DeterminismSuite(f), IClassFixture<SqliteDatabases>;
