using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteForkTests(SqliteDatabases f) : ForkSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRewindTests(SqliteDatabases f) : RewindSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteListTests(SqliteDatabases f) : ListSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteCountTests(SqliteDatabases f) : CountSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteUnreadableRowTests(SqliteDatabases f) : UnreadableRowSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRetentionTests(SqliteDatabases f) : RetentionSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteForkSuiteTests(SqliteStores f) : ForkStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteRewindSuiteTests(SqliteStores f) : RewindStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteRetentionSuiteTests(SqliteStores f) : RetentionStoreSuite(f), IClassFixture<SqliteStores>;

public sealed class SqliteClientManagementTests(SqliteDatabases f)
    : ClientManagementSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteStepManagementTests(SqliteDatabases f)
    : StepManagementSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteAllOrNoneTests(SqliteDatabases f) : AllOrNoneSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteManagementRaceTests(SqliteDatabases f)
    : ManagementRaceSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteCollectionLoadTests(SqliteDatabases f)
    : CollectionLoadSuite(f), IClassFixture<SqliteDatabases>;
