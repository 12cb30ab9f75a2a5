using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingContinueAsNewTests(PostgresPollingDatabases f) : ContinueAsNewSuite(f),
    IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingGenerationTests(PostgresPollingDatabases f)
    : GenerationSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingPatchTests(PostgresPollingDatabases f) : PatchSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingVersionTests(PostgresPollingDatabases f) : VersionSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingVersionNameTests(PostgresPollingDatabases f)
    : VersionNameSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingAdoptTests(PostgresPollingDatabases f) : AdoptSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingRecoverTests(PostgresPollingDatabases f) : RecoverSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingExplainTests(PostgresPollingDatabases f) : ExplainSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingExplainQueueTests(PostgresPollingDatabases f)
    : ExplainQueueSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingRollingDeploymentTests(PostgresPollingDatabases f)
    : RollingDeploymentSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingNeighbourTests(PostgresPollingDatabases f) : NeighbourSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingAdoptReplayTests(PostgresPollingDatabases f)
    : AdoptReplaySuite(f), IClassFixture<PostgresPollingDatabases>;
