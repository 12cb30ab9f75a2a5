using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteUnloadTests(SqliteDatabases f) : UnloadSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteResumeTests(SqliteDatabases f) : ResumeSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteLoneEngineTests(SqliteDatabases f) : LoneEngineSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteParkedTests(SqliteDatabases f) : ParkedSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMomentTests(SqliteDatabases f) : MomentSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteGroupUnloadTests(SqliteDatabases f) : GroupUnloadSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteLeavingTests(SqliteDatabases f) : LeavingSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteWaitLengthTests(SqliteDatabases f) : WaitLengthSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteLateWordTests(SqliteDatabases f) : LateWordSuite(f), IClassFixture<SqliteDatabases>;
