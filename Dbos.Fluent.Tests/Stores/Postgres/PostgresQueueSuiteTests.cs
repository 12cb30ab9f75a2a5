using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresQueueSuiteTests(PostgresStores f) : QueueStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresQueueClaimSuiteTests(PostgresStores f) : QueueClaimStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresLineKindTests(PostgresStores f) : LineKindStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresLimitedClaimSuiteTests(PostgresStores f) : LimitedClaimStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresRateWindowSuiteTests(PostgresStores f) : RateWindowStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresPartitionClaimSuiteTests(PostgresStores f) : PartitionClaimStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresRacingLimitsSuiteTests(PostgresStores f) : RacingLimitsStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresDelayedSuiteTests(PostgresStores f) : DelayedStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresStartManySuiteTests(PostgresStores f) : StartManyStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresDebounceSuiteTests(PostgresStores f) : DebounceStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresOutboxSuiteTests(PostgresStores f) : OutboxStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresScheduleSuiteTests(PostgresStores f) : ScheduleStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresScheduleTickSuiteTests(PostgresStores f) : ScheduleTickStoreSuite(f), IClassFixture<PostgresStores>;
