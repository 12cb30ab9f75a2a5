using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteIteratorTests(SqliteDatabases f) : IteratorSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteReplayTests(SqliteDatabases f) : ReplaySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteDeterminismTests(SqliteDatabases f) : DeterminismSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteHistoryTextTests(SqliteDatabases f) : HistoryTextSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteGroupTests(SqliteDatabases f) : GroupSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteChildTests(SqliteDatabases f) : ChildSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRecoveryTests(SqliteDatabases f) : RecoverySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteShutdownTests(SqliteDatabases f) : ShutdownSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteSurvivorTests(SqliteDatabases f) : SurvivorSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteTakeoverTests(SqliteDatabases f) : TakeoverSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteChildGroupTests(SqliteDatabases f) : ChildGroupSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStoppedEngineTests(SqliteDatabases f) : StoppedEngineSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteChildIdTests(SqliteDatabases f) : ChildIdSuite(f), IClassFixture<SqliteDatabases>;
