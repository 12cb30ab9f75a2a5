using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresIteratorTests(PostgresDatabases f) : IteratorSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresReplayTests(PostgresDatabases f) : ReplaySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresDeterminismTests(PostgresDatabases f) : DeterminismSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresHistoryTextTests(PostgresDatabases f) : HistoryTextSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresGroupTests(PostgresDatabases f) : GroupSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresChildTests(PostgresDatabases f) : ChildSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRecoveryTests(PostgresDatabases f) : RecoverySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresShutdownTests(PostgresDatabases f) : ShutdownSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresSurvivorTests(PostgresDatabases f) : SurvivorSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresTakeoverTests(PostgresDatabases f) : TakeoverSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresChildGroupTests(PostgresDatabases f) : ChildGroupSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStoppedEngineTests(PostgresDatabases f) : StoppedEngineSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresChildIdTests(PostgresDatabases f) : ChildIdSuite(f), IClassFixture<PostgresDatabases>;
