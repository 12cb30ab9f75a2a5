using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingSchemaSuiteTests(PostgresPollingStores f)
    : SchemaStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingCommitSuiteTests(PostgresPollingStores f)
    : CommitStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingStartSuiteTests(PostgresPollingStores f)
    : StartStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingChildStartSuiteTests(PostgresPollingStores f)
    : ChildStartStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingClaimSuiteTests(PostgresPollingStores f)
    : ClaimStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingOriginSuiteTests(PostgresPollingStores f)
    : OriginStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingWorkflowSuiteTests(PostgresPollingStores f)
    : WorkflowStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingCancelSuiteTests(PostgresPollingStores f)
    : CancelStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingExecutorSuiteTests(PostgresPollingStores f)
    : ExecutorStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingHandOnSuiteTests(PostgresPollingStores f)
    : HandOnStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingSignalSuiteTests(PostgresPollingStores f)
    : SignalStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingRacingSuiteTests(PostgresPollingStores f)
    : RacingStoresSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingRowLockSuiteTests(PostgresPollingStores f)
    : RowLockStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingLastStepSuiteTests(PostgresPollingStores f)
    : LastStepStoreSuite(f), IClassFixture<PostgresPollingStores>;

public sealed class PostgresPollingForeignRowSuiteTests(PostgresPollingStores f)
    : ForeignRowStoreSuite(f), IClassFixture<PostgresPollingStores>;
