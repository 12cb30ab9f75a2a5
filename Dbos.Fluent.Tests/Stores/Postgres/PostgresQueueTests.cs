using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresQueueTests(PostgresDatabases f) : QueueSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueLimitTests(PostgresDatabases f) : QueueLimitSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresEnqueueTests(PostgresDatabases f) : EnqueueSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresDebounceTests(PostgresDatabases f) : DebounceSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresScheduleTests(PostgresDatabases f) : ScheduleSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresScheduleOperationTests(PostgresDatabases f)
    : ScheduleOperationSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresOutboxTests(PostgresDatabases f) : OutboxSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueFaultTests(PostgresDatabases f) : QueueFaultSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueWakeupTests(PostgresDatabases f) : QueueWakeupSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresPushedQueueWakeupTests(PostgresDatabases f)
    : PushedQueueWakeupSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRealClockScheduleTests(PostgresDatabases f)
    : RealClockScheduleSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresScheduleCatchUpTests(PostgresDatabases f)
    : ScheduleCatchUpSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresSharedScheduleTests(PostgresDatabases f)
    : SharedScheduleSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresHeldQueueTests(PostgresDatabases f)
    : HeldQueueSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresScheduleClockChangeTests(PostgresDatabases f)
    : ScheduleClockChangeSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueInputTests(PostgresDatabases f)
    : QueueInputSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueChangeTests(PostgresDatabases f)
    : QueueChangeSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRealClockQueueTests(PostgresDatabases f)
    : RealClockQueueSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueTurnsTests(PostgresDatabases f)
    : QueueTurnsSuite(f), IClassFixture<PostgresDatabases>;
