using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresBadInputTests(PostgresDatabases f) : BadInputSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMigrationTests(PostgresDatabases f) : MigrationSuite(f), IClassFixture<PostgresDatabases>;
