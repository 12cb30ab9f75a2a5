using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingStepRetryTests(PostgresPollingDatabases f) : StepRetrySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStepTimeoutTests(PostgresPollingDatabases f)
    : StepTimeoutSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStepContextTests(PostgresPollingDatabases f)
    : StepContextSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingSleepTests(PostgresPollingDatabases f) : SleepSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingVirtualTimeTests(PostgresPollingDatabases f)
    : VirtualTimeSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingLastStepTests(PostgresPollingDatabases f) : LastStepSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingBackoffTests(PostgresPollingDatabases f) : BackoffSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingForgottenExecutorTests(PostgresPollingDatabases f)
    : ForgottenExecutorSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStepServicesTests(PostgresPollingDatabases f)
    : StepServicesSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingBuilderTests(PostgresPollingDatabases f) : BuilderSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingFewCallsTests(PostgresPollingDatabases f) : FewCallsSuite(f), IClassFixture<PostgresPollingDatabases>;
