using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresParkSuiteTests(PostgresStores f) : ParkStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresParkedClaimSuiteTests(PostgresStores f) : ParkedClaimStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresResumeSuiteTests(PostgresStores f) : ResumeStoreSuite(f), IClassFixture<PostgresStores>;
