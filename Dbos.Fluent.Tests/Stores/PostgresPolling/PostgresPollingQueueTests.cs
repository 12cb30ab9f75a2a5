using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingQueueTests(PostgresPollingDatabases f)
    : QueueSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingQueueLimitTests(PostgresPollingDatabases f)
    : QueueLimitSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingEnqueueTests(PostgresPollingDatabases f) : EnqueueSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingDebounceTests(PostgresPollingDatabases f) : DebounceSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingScheduleTests(PostgresPollingDatabases f) : ScheduleSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingOutboxTests(PostgresPollingDatabases f) : OutboxSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingQueueFaultTests(PostgresPollingDatabases f)
    : QueueFaultSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingQueueWakeupTests(PostgresPollingDatabases f)
    : QueueWakeupSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingRealClockScheduleTests(PostgresPollingDatabases f)
    : RealClockScheduleSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingScheduleCatchUpTests(PostgresPollingDatabases f)
    : ScheduleCatchUpSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingSharedScheduleTests(PostgresPollingDatabases f)
    : SharedScheduleSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingHeldQueueTests(PostgresPollingDatabases f)
    : HeldQueueSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingScheduleClockChangeTests(PostgresPollingDatabases f)
    : ScheduleClockChangeSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingQueueInputTests(PostgresPollingDatabases f)
    : QueueInputSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingQueueChangeTests(PostgresPollingDatabases f)
    : QueueChangeSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingRealClockQueueTests(PostgresPollingDatabases f)
    : RealClockQueueSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingQueueTurnsTests(PostgresPollingDatabases f)
    : QueueTurnsSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingScheduleOperationTests(PostgresPollingDatabases f)
    : ScheduleOperationSuite(f), IClassFixture<PostgresPollingDatabases>;
