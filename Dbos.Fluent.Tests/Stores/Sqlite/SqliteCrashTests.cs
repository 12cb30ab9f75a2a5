using Dbos.Fluent.Tests.Crash;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteKillTests(SqliteDatabases f) : KillSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteFailoverTests(SqliteDatabases f) : FailoverSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRaceTests(SqliteDatabases f) : RaceSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteContentionTests(SqliteDatabases f) : ContentionSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMigrationKillTests(SqliteDatabases f) : MigrationKillSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteProcessFailureTests(SqliteDatabases f) : ProcessFailureSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteDecisionKillTests(SqliteDatabases f) : DecisionKillSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRandomQueueTests(SqliteDatabases f) : RandomQueueSuite(f), IClassFixture<SqliteDatabases>
{
    protected override TimeSpan Length => TimeSpan.FromSeconds(5);
}

public sealed class SqliteParkingRandomQueueTests(SqliteDatabases f) : RandomParkingSuite(f), IClassFixture<SqliteDatabases>
{
    protected override TimeSpan Length => TimeSpan.FromSeconds(5);
}

public sealed class SqliteScheduleProcessTests(SqliteDatabases f) : ScheduleProcessSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteScheduleKillTests(SqliteDatabases f) : ScheduleKillSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteToldTests(SqliteDatabases f) : ToldSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteQueueProcessTests(SqliteDatabases f) : QueueProcessSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRestartTests(SqliteDatabases f) : RestartSuite(f), IClassFixture<SqliteDatabases>;
