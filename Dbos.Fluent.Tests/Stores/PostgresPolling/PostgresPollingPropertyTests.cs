using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingGeneratedHistoryTests(PostgresPollingDatabases f)
    : GeneratedHistorySuite(f), IClassFixture<PostgresPollingDatabases>;
