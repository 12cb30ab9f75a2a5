using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingDeterminismTests(PostgresPollingDatabases f) : DeterminismSuite(f), IClassFixture<PostgresPollingDatabases>;
