using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteStepRetryTests(SqliteDatabases f) : StepRetrySuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStepTimeoutTests(SqliteDatabases f) : StepTimeoutSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStepContextTests(SqliteDatabases f) : StepContextSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteSleepTests(SqliteDatabases f) : SleepSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteVirtualTimeTests(SqliteDatabases f) : VirtualTimeSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteLastStepTests(SqliteDatabases f) : LastStepSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteBackoffTests(SqliteDatabases f) : BackoffSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteForgottenExecutorTests(SqliteDatabases f) : ForgottenExecutorSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStepServicesTests(SqliteDatabases f) : StepServicesSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteBuilderTests(SqliteDatabases f) : BuilderSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteFewCallsTests(SqliteDatabases f) : FewCallsSuite(f), IClassFixture<SqliteDatabases>;
