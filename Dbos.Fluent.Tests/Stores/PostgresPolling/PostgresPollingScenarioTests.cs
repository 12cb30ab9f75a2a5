using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingIteratorTests(PostgresPollingDatabases f)
    : IteratorSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingReplayTests(PostgresPollingDatabases f)
    : ReplaySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingDeterminismTests(PostgresPollingDatabases f)
    : DeterminismSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingHistoryTextTests(PostgresPollingDatabases f)
    : HistoryTextSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingGroupTests(PostgresPollingDatabases f)
    : GroupSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingChildTests(PostgresPollingDatabases f)
    : ChildSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingRecoveryTests(PostgresPollingDatabases f)
    : RecoverySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingShutdownTests(PostgresPollingDatabases f)
    : ShutdownSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingSurvivorTests(PostgresPollingDatabases f)
    : SurvivorSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingTakeoverTests(PostgresPollingDatabases f)
    : TakeoverSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingChildGroupTests(PostgresPollingDatabases f)
    : ChildGroupSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStoppedEngineTests(PostgresPollingDatabases f)
    : StoppedEngineSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingChildIdTests(PostgresPollingDatabases f)
    : ChildIdSuite(f), IClassFixture<PostgresPollingDatabases>;
