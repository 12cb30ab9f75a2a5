using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteQueueTests(SqliteDatabases f) : QueueSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteQueueLimitTests(SqliteDatabases f) : QueueLimitSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteEnqueueTests(SqliteDatabases f) : EnqueueSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteDebounceTests(SqliteDatabases f) : DebounceSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteScheduleTests(SqliteDatabases f) : ScheduleSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteScheduleOperationTests(SqliteDatabases f)
    : ScheduleOperationSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteOutboxTests(SqliteDatabases f) : OutboxSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteQueueFaultTests(SqliteDatabases f) : QueueFaultSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteQueueWakeupTests(SqliteDatabases f) : QueueWakeupSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRealClockScheduleTests(SqliteDatabases f)
    : RealClockScheduleSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteScheduleCatchUpTests(SqliteDatabases f)
    : ScheduleCatchUpSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteSharedScheduleTests(SqliteDatabases f)
    : SharedScheduleSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteScheduleClockChangeTests(SqliteDatabases f)
    : ScheduleClockChangeSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteQueueInputTests(SqliteDatabases f)
    : QueueInputSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteQueueChangeTests(SqliteDatabases f)
    : QueueChangeSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRealClockQueueTests(SqliteDatabases f)
    : RealClockQueueSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteQueueTurnsTests(SqliteDatabases f)
    : QueueTurnsSuite(f), IClassFixture<SqliteDatabases>;
