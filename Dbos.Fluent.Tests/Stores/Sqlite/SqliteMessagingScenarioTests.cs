using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteMessageTests(SqliteDatabases f) : MessageSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMessageSendTests(SqliteDatabases f) : MessageSendSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMessageRecordTests(SqliteDatabases f) : MessageRecordSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteEventTests(SqliteDatabases f) : EventSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStreamTests(SqliteDatabases f) : StreamSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStreamReadTests(SqliteDatabases f) : StreamReadSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteWakeupTests(SqliteDatabases f) : WakeupSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteManyWaitersTests(SqliteDatabases f) : ManyWaitersSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMessagingInputTests(SqliteDatabases f) : MessagingInputSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStepOutletTests(SqliteDatabases f) : StepOutletSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteEventWaitTests(SqliteDatabases f) : EventWaitSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteOutcomeWakeupTests(SqliteDatabases f) : OutcomeWakeupSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteGivenValueTests(SqliteDatabases f) : GivenValueSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteForkMessageTests(SqliteDatabases f) : ForkMessageSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteWaitLookTests(SqliteDatabases f) : WaitLookSuite(f), IClassFixture<SqliteDatabases>;
