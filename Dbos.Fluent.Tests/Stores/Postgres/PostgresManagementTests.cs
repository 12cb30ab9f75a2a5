using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresForkTests(PostgresDatabases f) : ForkSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRewindTests(PostgresDatabases f) : RewindSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresListTests(PostgresDatabases f) : ListSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresCountTests(PostgresDatabases f) : CountSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresUnreadableRowTests(PostgresDatabases f) : UnreadableRowSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRetentionTests(PostgresDatabases f) : RetentionSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresForkSuiteTests(PostgresStores f) : ForkStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresRewindSuiteTests(PostgresStores f) : RewindStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresRetentionSuiteTests(PostgresStores f) : RetentionStoreSuite(f), IClassFixture<PostgresStores>;

public sealed class PostgresClientManagementTests(PostgresDatabases f)
    : ClientManagementSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresStepManagementTests(PostgresDatabases f)
    : StepManagementSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresAllOrNoneTests(PostgresDatabases f) : AllOrNoneSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresManagementRaceTests(PostgresDatabases f)
    : ManagementRaceSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresCollectionLoadTests(PostgresDatabases f)
    : CollectionLoadSuite(f), IClassFixture<PostgresDatabases>;
