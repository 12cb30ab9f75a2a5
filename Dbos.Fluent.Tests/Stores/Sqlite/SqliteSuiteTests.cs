using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteSchemaSuiteTests(SqliteStores f) : SchemaStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteCommitSuiteTests(SqliteStores f) : CommitStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteStartSuiteTests(SqliteStores f) : StartStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteChildStartSuiteTests(SqliteStores f) : ChildStartStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteClaimSuiteTests(SqliteStores f) : ClaimStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteOriginSuiteTests(SqliteStores f) : OriginStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteWorkflowSuiteTests(SqliteStores f) : WorkflowStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteCancelSuiteTests(SqliteStores f) : CancelStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteExecutorSuiteTests(SqliteStores f) : ExecutorStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteHandOnSuiteTests(SqliteStores f) : HandOnStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteSignalSuiteTests(SqliteStores f) : SignalStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteRacingSuiteTests(SqliteStores f) : RacingStoresSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteSeenChangesSuiteTests(SqliteStores f) : SeenChangesStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteLastStepSuiteTests(SqliteStores f) : LastStepStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteForeignRowSuiteTests(SqliteStores f) : ForeignRowStoreSuite(f), IClassFixture<SqliteStores>;
