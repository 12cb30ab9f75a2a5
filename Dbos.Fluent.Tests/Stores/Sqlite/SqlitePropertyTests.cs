using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteGeneratedHistoryTests(SqliteDatabases f) : GeneratedHistorySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteGeneratedListTests(SqliteDatabases f) : GeneratedListSuite(f), IClassFixture<SqliteDatabases>;
