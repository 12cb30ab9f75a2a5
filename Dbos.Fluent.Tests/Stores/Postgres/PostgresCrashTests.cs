using Dbos.Fluent.Tests.Crash;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresKillTests(PostgresDatabases f) : KillSuite(f), IClassFixture<PostgresDatabases>;
