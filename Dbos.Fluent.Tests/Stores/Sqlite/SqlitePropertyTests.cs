using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteGeneratedHistoryTests(SqliteDatabases f) : GeneratedHistorySuite(f), IClassFixture<SqliteDatabases>;
