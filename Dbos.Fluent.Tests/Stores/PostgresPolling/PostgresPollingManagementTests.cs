using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingForkTests(PostgresPollingDatabases f)
    : ForkSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingRewindTests(PostgresPollingDatabases f)
    : RewindSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingListTests(PostgresPollingDatabases f)
    : ListSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingCountTests(PostgresPollingDatabases f) : CountSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingUnreadableRowTests(PostgresPollingDatabases f)
    : UnreadableRowSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingRetentionTests(PostgresPollingDatabases f)
    : RetentionSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingClientManagementTests(PostgresPollingDatabases f)
    : ClientManagementSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingStepManagementTests(PostgresPollingDatabases f)
    : StepManagementSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingAllOrNoneTests(PostgresPollingDatabases f) : AllOrNoneSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingManagementRaceTests(PostgresPollingDatabases f)
    : ManagementRaceSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingCollectionLoadTests(PostgresPollingDatabases f)
    : CollectionLoadSuite(f), IClassFixture<PostgresPollingDatabases>;
