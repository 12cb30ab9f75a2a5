using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteAnyTests(SqliteDatabases f) : AnySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteAnyReplayTests(SqliteDatabases f) : AnyReplaySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteAnyMemberTests(SqliteDatabases f) : AnyMemberSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteParallelTests(SqliteDatabases f) : ParallelSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteParallelReplayTests(SqliteDatabases f)
    : ParallelReplaySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteManyChildrenTests(SqliteDatabases f) : ManyChildrenSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteAwaitAnyTests(SqliteDatabases f) : AwaitAnySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteAnyLoserTests(SqliteDatabases f) : AnyLoserSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteLoserTypeTests(SqliteDatabases f) : LoserTypeSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteGroupReplayTests(SqliteDatabases f) : GroupReplaySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteParallelWaitTests(SqliteDatabases f) : ParallelWaitSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteReceiveTurnTests(SqliteDatabases f) : ReceiveTurnSuite(f), IClassFixture<SqliteDatabases>;
