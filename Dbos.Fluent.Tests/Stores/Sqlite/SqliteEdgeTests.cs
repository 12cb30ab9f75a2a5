using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteBadInputTests(SqliteDatabases f) : BadInputSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMigrationTests(SqliteDatabases f) : MigrationSuite(f), IClassFixture<SqliteDatabases>;
