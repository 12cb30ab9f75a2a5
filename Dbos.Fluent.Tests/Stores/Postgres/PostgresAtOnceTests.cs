using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresAnyTests(PostgresDatabases f) : AnySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresAnyReplayTests(PostgresDatabases f) : AnyReplaySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresAnyMemberTests(PostgresDatabases f) : AnyMemberSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresParallelTests(PostgresDatabases f) : ParallelSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresParallelReplayTests(PostgresDatabases f)
    : ParallelReplaySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresManyChildrenTests(PostgresDatabases f)
    : ManyChildrenSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresAwaitAnyTests(PostgresDatabases f) : AwaitAnySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresAnyLoserTests(PostgresDatabases f) : AnyLoserSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresLoserTypeTests(PostgresDatabases f) : LoserTypeSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresGroupReplayTests(PostgresDatabases f) : GroupReplaySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresParallelWaitTests(PostgresDatabases f) : ParallelWaitSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresReceiveTurnTests(PostgresDatabases f) : ReceiveTurnSuite(f), IClassFixture<PostgresDatabases>;
