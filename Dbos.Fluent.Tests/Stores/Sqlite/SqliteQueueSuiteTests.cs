using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteQueueSuiteTests(SqliteStores f) : QueueStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteQueueClaimSuiteTests(SqliteStores f) : QueueClaimStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteLineKindTests(SqliteStores f) : LineKindStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteLimitedClaimSuiteTests(SqliteStores f) : LimitedClaimStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteRateWindowSuiteTests(SqliteStores f) : RateWindowStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqlitePartitionClaimSuiteTests(SqliteStores f) : PartitionClaimStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteRacingLimitsSuiteTests(SqliteStores f) : RacingLimitsStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteDelayedSuiteTests(SqliteStores f) : DelayedStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteStartManySuiteTests(SqliteStores f) : StartManyStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteDebounceSuiteTests(SqliteStores f) : DebounceStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteOutboxSuiteTests(SqliteStores f) : OutboxStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteScheduleSuiteTests(SqliteStores f) : ScheduleStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteScheduleTickSuiteTests(SqliteStores f) : ScheduleTickStoreSuite(f), IClassFixture<SqliteStores>;
