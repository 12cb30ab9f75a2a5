using Dbos.Fluent.Tests.Properties;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresDeterminismTests(PostgresDatabases f) : DeterminismSuite(f), IClassFixture<PostgresDatabases>;
