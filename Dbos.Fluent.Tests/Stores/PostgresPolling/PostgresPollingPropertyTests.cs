using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingGeneratedHistoryTests(PostgresPollingDatabases f)
    : GeneratedHistorySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingGeneratedListTests(PostgresPollingDatabases f)
    : GeneratedListSuite(f), IClassFixture<PostgresPollingDatabases>;
