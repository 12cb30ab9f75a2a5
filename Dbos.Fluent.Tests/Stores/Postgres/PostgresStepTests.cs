using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresStepRetryTests(PostgresDatabases f) : StepRetrySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStepTimeoutTests(PostgresDatabases f) : StepTimeoutSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStepContextTests(PostgresDatabases f) : StepContextSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresSleepTests(PostgresDatabases f) : SleepSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresVirtualTimeTests(PostgresDatabases f) : VirtualTimeSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresLastStepTests(PostgresDatabases f) : LastStepSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresBackoffTests(PostgresDatabases f) : BackoffSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresForgottenExecutorTests(PostgresDatabases f) : ForgottenExecutorSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStepServicesTests(PostgresDatabases f) : StepServicesSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresBuilderTests(PostgresDatabases f) : BuilderSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresFewCallsTests(PostgresDatabases f) : FewCallsSuite(f), IClassFixture<PostgresDatabases>;
