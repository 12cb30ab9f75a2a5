using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteParkSuiteTests(SqliteStores f) : ParkStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteParkedClaimSuiteTests(SqliteStores f) : ParkedClaimStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteResumeSuiteTests(SqliteStores f) : ResumeStoreSuite(f), IClassFixture<SqliteStores>;
