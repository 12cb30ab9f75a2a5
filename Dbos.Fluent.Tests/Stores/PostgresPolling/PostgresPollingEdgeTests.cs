using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingBadInputTests(PostgresPollingDatabases f) : BadInputSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingMigrationTests(PostgresPollingDatabases f) : MigrationSuite(f), IClassFixture<PostgresPollingDatabases>;
