using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingMessageTests(PostgresPollingDatabases f) : MessageSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingMessageSendTests(PostgresPollingDatabases f)
    : MessageSendSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingMessageRecordTests(PostgresPollingDatabases f)
    : MessageRecordSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingEventTests(PostgresPollingDatabases f) : EventSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStreamTests(PostgresPollingDatabases f) : StreamSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStreamReadTests(PostgresPollingDatabases f)
    : StreamReadSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingWakeupTests(PostgresPollingDatabases f) : WakeupSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingManyWaitersTests(PostgresPollingDatabases f)
    : ManyWaitersSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingMessagingInputTests(PostgresPollingDatabases f)
    : MessagingInputSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStepOutletTests(PostgresPollingDatabases f)
    : StepOutletSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingEventWaitTests(PostgresPollingDatabases f) : EventWaitSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingGivenValueTests(PostgresPollingDatabases f)
    : GivenValueSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingForkMessageTests(PostgresPollingDatabases f)
    : ForkMessageSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingWaitLookTests(PostgresPollingDatabases f) : WaitLookSuite(f), IClassFixture<PostgresPollingDatabases>;
