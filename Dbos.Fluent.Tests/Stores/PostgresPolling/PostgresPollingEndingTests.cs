using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingDeadlineTests(PostgresPollingDatabases f) : DeadlineSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingCancelTests(PostgresPollingDatabases f) : CancelSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingOwnershipTests(PostgresPollingDatabases f) : OwnershipSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingCancelQueueTests(PostgresPollingDatabases f)
    : CancelQueueSuite(f), IClassFixture<PostgresPollingDatabases>;
