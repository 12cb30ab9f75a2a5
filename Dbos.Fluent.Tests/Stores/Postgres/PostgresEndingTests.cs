using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresDeadlineTests(PostgresDatabases f) : DeadlineSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresCancelTests(PostgresDatabases f) : CancelSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresOwnershipTests(PostgresDatabases f) : OwnershipSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresCancelQueueTests(PostgresDatabases f) : CancelQueueSuite(f), IClassFixture<PostgresDatabases>;
