using Dbos.Fluent.Tests.Crash;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteKillTests(SqliteDatabases f) : KillSuite(f), IClassFixture<SqliteDatabases>;
