using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresMessageTests(PostgresDatabases f) : MessageSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMessageSendTests(PostgresDatabases f) : MessageSendSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMessageRecordTests(PostgresDatabases f) : MessageRecordSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresEventTests(PostgresDatabases f) : EventSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStreamTests(PostgresDatabases f) : StreamSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStreamReadTests(PostgresDatabases f) : StreamReadSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresWakeupTests(PostgresDatabases f) : WakeupSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresManyWaitersTests(PostgresDatabases f) : ManyWaitersSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMessagingInputTests(PostgresDatabases f) : MessagingInputSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStepOutletTests(PostgresDatabases f) : StepOutletSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresEventWaitTests(PostgresDatabases f) : EventWaitSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresOutcomeWakeupTests(PostgresDatabases f) : OutcomeWakeupSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresGivenValueTests(PostgresDatabases f) : GivenValueSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresForkMessageTests(PostgresDatabases f) : ForkMessageSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresWaitLookTests(PostgresDatabases f) : WaitLookSuite(f), IClassFixture<PostgresDatabases>;
