using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresSchemaSuiteTests(PostgresStores f) : SchemaStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresCommitSuiteTests(PostgresStores f) : CommitStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresStartSuiteTests(PostgresStores f) : StartStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresChildStartSuiteTests(PostgresStores f) : ChildStartStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresClaimSuiteTests(PostgresStores f) : ClaimStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresOriginSuiteTests(PostgresStores f) : OriginStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresWorkflowSuiteTests(PostgresStores f) : WorkflowStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresCancelSuiteTests(PostgresStores f) : CancelStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresExecutorSuiteTests(PostgresStores f) : ExecutorStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresHandOnSuiteTests(PostgresStores f) : HandOnStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresSignalSuiteTests(PostgresStores f) : SignalStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresRacingSuiteTests(PostgresStores f) : RacingStoresSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresRowLockSuiteTests(PostgresStores f) : RowLockStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresPushedSignalSuiteTests(PostgresStores f) : PushedSignalStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresLastStepSuiteTests(PostgresStores f) : LastStepStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresForeignRowSuiteTests(PostgresStores f) : ForeignRowStoreSuite(f), IClassFixture<PostgresStores>;
