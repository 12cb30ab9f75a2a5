using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresContinueAsNewTests(PostgresDatabases f) : ContinueAsNewSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresGenerationTests(PostgresDatabases f) : GenerationSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresPatchTests(PostgresDatabases f) : PatchSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresVersionTests(PostgresDatabases f) : VersionSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresVersionNameTests(PostgresDatabases f) : VersionNameSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresAdoptTests(PostgresDatabases f) : AdoptSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRecoverTests(PostgresDatabases f) : RecoverSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresExplainTests(PostgresDatabases f) : ExplainSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresExplainQueueTests(PostgresDatabases f) : ExplainQueueSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresContinueSuiteTests(PostgresStores f) : ContinueStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresStrandedSuiteTests(PostgresStores f) : StrandedStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresRollingDeploymentTests(PostgresDatabases f) : RollingDeploymentSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresNeighbourTests(PostgresDatabases f) : NeighbourSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresAdoptReplayTests(PostgresDatabases f) : AdoptReplaySuite(f), IClassFixture<PostgresDatabases>;
