using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresGeneratedHistoryTests(PostgresDatabases f) : GeneratedHistorySuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresGeneratedListTests(PostgresDatabases f) : GeneratedListSuite(f), IClassFixture<PostgresDatabases>;
