using Dbos.Fluent.Tests.Crash;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresKillTests(PostgresDatabases f) : KillSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresFailoverTests(PostgresDatabases f) : FailoverSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRaceTests(PostgresDatabases f) : RaceSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresContentionTests(PostgresDatabases f) : ContentionSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMigrationKillTests(PostgresDatabases f) : MigrationKillSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresProcessFailureTests(PostgresDatabases f) : ProcessFailureSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresDecisionKillTests(PostgresDatabases f) : DecisionKillSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueKillTests(PostgresDatabases f) : QueueKillSuite(f), IClassFixture<PostgresDatabases>
{
    protected override int WorkflowCount => 10_000;
}

public sealed class PostgresRandomQueueTests(PostgresDatabases f) : RandomQueueSuite(f), IClassFixture<PostgresDatabases>
{
    protected override TimeSpan Length => TimeSpan.FromSeconds(12);
}

public sealed class PostgresParkingRandomQueueTests(PostgresDatabases f) : RandomParkingSuite(f), IClassFixture<PostgresDatabases>
{
    protected override TimeSpan Length => TimeSpan.FromSeconds(5);
}

public sealed class PostgresScheduleProcessTests(PostgresDatabases f) : ScheduleProcessSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresScheduleKillTests(PostgresDatabases f) : ScheduleKillSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresToldTests(PostgresDatabases f) : ToldSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresQueueProcessTests(PostgresDatabases f) : QueueProcessSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRestartTests(PostgresDatabases f) : RestartSuite(f), IClassFixture<PostgresDatabases>;
