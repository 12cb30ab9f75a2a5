using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingUnloadTests(PostgresPollingDatabases f) : UnloadSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingResumeTests(PostgresPollingDatabases f) : ResumeSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingLoneEngineTests(PostgresPollingDatabases f)
    : LoneEngineSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingOutcomeWakeupTests(PostgresPollingDatabases f)
    : OutcomeWakeupSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingParkedTests(PostgresPollingDatabases f) : ParkedSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingMomentTests(PostgresPollingDatabases f) : MomentSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingGroupUnloadTests(PostgresPollingDatabases f)
    : GroupUnloadSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingLeavingTests(PostgresPollingDatabases f) : LeavingSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingWaitLengthTests(PostgresPollingDatabases f)
    : WaitLengthSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingLateWordTests(PostgresPollingDatabases f) : LateWordSuite(f), IClassFixture<PostgresPollingDatabases>;
