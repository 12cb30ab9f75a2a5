using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>
/// Processes whose clock is an hour off: what waits for a moment waits for the database's. It is the database's clock that is moved here,
/// for the sessions of the engines alone, as the machine's own cannot be; what counts is how far the two are apart.
/// </summary>
/// <remarks>
/// With SQLite there is one clock: the file is served by the processes of one machine, whose clock is that of them all. A time provider of
/// the program's own is no wrong clock but its workflow time, on both stores.
/// </remarks>
public sealed class PostgresClockTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private const int MomentsLeftOut = 1404;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    protected override bool SharesDatabases => false;

    // Its sessions see the clock that is moved.
    private string Moved => new NpgsqlConnectionStringBuilder(((PostgresTestDatabase)Database).ConnectionString)
    {
        SearchPath = "moved, pg_catalog",
    }.ConnectionString;

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_rate_and_a_delay_go_by_the_databases_clock(int hours)
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var (rated, free) = (new WorkflowQueue("rated") { RateLimit = new(1, Second) }, new WorkflowQueue("free"));
        var engine = await LaunchMovedAsync(hours, options => options.Add(rated, free), workflow);
        var before = await ClockAsync(hours);
        var handles = new List<WorkflowHandle<int>>
        {
            await engine.StartAsync(workflow, 0, new() { Id = "delayed", Queue = free, Delay = Second }, Cancel),
            await engine.StartAsync(workflow, 1, new() { Queue = rated }, Cancel),
            await engine.StartAsync(workflow, 2, new() { Queue = rated }, Cancel),
            await engine.StartAsync(workflow, 3, new() { Queue = rated }, Cancel),
        };
        foreach (var handle in handles)
        {
            await handle.ResultAsync();
        }

        var starts = await MomentsAsync("SELECT started_at_epoch_ms FROM workflow_status WHERE queue_name = 'rated' ORDER BY 1");
        var delayed = await MomentsAsync(
            "SELECT unnest(ARRAY[created_at, delay_until_epoch_ms, started_at_epoch_ms]) "
            + "FROM workflow_status WHERE workflow_uuid = 'delayed'");
        Assert.All(starts.Concat(delayed), moment => Assert.InRange(moment, before, before + (long)Bounded.Limit.TotalMilliseconds));
        Assert.All(starts.Zip(starts.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 1000, long.MaxValue));
        Assert.Equal(1000, delayed[1] - delayed[0]);
        Assert.InRange(delayed[2], delayed[1], long.MaxValue);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_deadline_and_a_schedule_go_by_the_databases_clock(int hours)
    {
        var runs = System.Threading.Channels.Channel.CreateUnbounded<ScheduledRun>();
        var ticked = Workflow.Define<ScheduledRun>("ticked").Step("note", x => runs.Writer.WriteAsync(x.Input).AsTask()).End();
        var endless = Workflow.Define<int, int>("endless")
            .Step("wait", x => new Probe().PassAsync(x.CancellationToken)).Return(x => x.Input);
        var before = await ClockAsync(hours);
        var engine = await LaunchMovedAsync(hours, options => options.Schedule("beat", "* * * * * *", ticked), endless);
        var handle = await engine.StartAsync(endless, 1, new() { Id = "endless", Timeout = Second }, Cancel);

        var run = await runs.Reader.ReadAsync(Cancel).AsTask().Within(Bounded.Limit);
        var reason = await handle.CancellationAsync();

        Assert.Equal(CancellationReason.DeadlineExceeded, reason);
        var moments = await MomentsAsync(
            "SELECT unnest(ARRAY[created_at, workflow_deadline_epoch_ms, completed_at]) "
            + "FROM workflow_status WHERE workflow_uuid = 'endless'");
        moments.AddRange([run.ScheduledAt.ToUnixTimeMilliseconds(), run.StartedAt.ToUnixTimeMilliseconds()]);
        Assert.All(moments, moment => Assert.InRange(moment, before, before + (long)Bounded.Limit.TotalMilliseconds));
        Assert.InRange(moments[1] - moments[0], 1000, long.MaxValue);
        Assert.InRange(moments[2], moments[1], long.MaxValue);
        Assert.InRange(run.StartedAt, run.ScheduledAt, DateTimeOffset.MaxValue);
    }

    // The processes' own clock is an hour off for all of them, so nothing here may compare it with the database's.
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_living_engine_keeps_its_work_and_a_silent_one_loses_it_when_its_lease_has_ended(int hours)
    {
        var (gate, bodies, silent, lease) = (new Probe(), new Counts(), false, 2 * Second);
        var held = Workflow.Define<int, int>("held").Step("hold", async x =>
        {
            bodies.Add(x.Step.WorkflowId);
            await gate.PassAsync();
        }).Return(x => x.Input);
        var faults = new CallFaults
        {
            Before = (_, _) => Volatile.Read(ref silent) ? throw CallFaults.Unavailable("Away.") : Task.CompletedTask,
        };
        var before = await ClockAsync(hours);
        var living = await LaunchLeasedAsync("living", new CallFaults());
        var dying = await LaunchLeasedAsync("dying", faults);
        var watching = await LaunchLeasedAsync("watching", new CallFaults());
        var kept = await living.BeginAsync(held, 1, "kept");
        await dying.BeginAsync(held, 2, "lost");
        await gate.ReachedAsync();
        await gate.ReachedAsync();

        Volatile.Write(ref silent, true);
        await gate.ReachedAsync();
        var ended = await ExpiresAsync("dying");
        var later = ended + (long)lease.TotalMilliseconds;
        await Eventually.TrueAsync(
            async () => await ExpiresAsync("living") > later && await ExpiresAsync("watching") > later,
            Bounded.Limit,
            "both have renewed theirs since");
        var rows = await Database.QueryAsync(
            "SELECT workflow_uuid, executor_id <> 'dying', recovery_attempts FROM workflow_status ORDER BY workflow_uuid");
        var taken = await MomentsAsync("SELECT started_at_epoch_ms FROM workflow_status WHERE workflow_uuid = 'lost'");
        Volatile.Write(ref silent, false);
        gate.Open();

        Assert.Equal((1, 2), (await kept.ResultAsync(), await watching.ResultAsync<int>("lost")));
        Assert.Equal([["kept", "True", "1"], ["lost", "True", "2"]], rows);
        Assert.Equal((1, 2), (bodies["kept"], bodies["lost"]));
        Assert.InRange(taken[0], ended, before + (long)TimeSpan.FromMinutes(30).TotalMilliseconds);

        Task<WorkflowEngine> LaunchLeasedAsync(string executor, CallFaults of) => LaunchMovedAsync(
            hours,
            options =>
            {
                (options.ExecutorId, options.Lease) = (executor, lease);
                options.WrapStore = store => new FaultingStore(store, of);
            },
            held);

        Task<long> ExpiresAsync(string executor) =>
            Database.CountAsync($"SELECT expires_at_ms FROM fluent_executors WHERE executor_id = '{executor}'");
    }

    // The clock stands on a night of its own, so that the moments before and after the leap are far from each other on any machine.
    [Fact]
    public async Task A_clock_that_leaps_leaves_out_moments_of_more_than_an_hour_ago_but_where_they_are_caught_up_on()
    {
        var runs = System.Threading.Channels.Channel.CreateUnbounded<ScheduledRun>();
        var noted = Workflow.Define<ScheduledRun>("noted").Step("note", x => runs.Writer.WriteAsync(x.Input).AsTask()).End();
        var night = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await MoveAsync(night.AddMinutes(10) - DateTimeOffset.UtcNow);
        await LaunchMovedAsync(options =>
        {
            // The first looks at the clock, the second at the schedules.
            (options.Lease, options.PollInterval) = (3 * Second, Second);
            options.Schedule("strict", "0 0 1,3 * * *", noted, options: new() { Context = "strict" })
                .Schedule("late", "0 30 0,2 * * *", noted, options: new() { Context = "late" })
                .Schedule("full", "0 0 1,3 * * *", noted, options: new() { Context = "full", AutomaticBackfill = true });
        });

        await MoveAsync(night.AddHours(3) - (3 * Second) - DateTimeOffset.UtcNow);
        List<ScheduledRun> seen = [];
        while (seen.Count < 4)
        {
            seen.Add(await runs.Reader.ReadAsync(Cancel).AsTask().Within(Bounded.Limit));
        }

        Assert.Equal(
            [("full", night.AddHours(1)), ("full", night.AddHours(3)), ("late", night.AddHours(2.5)), ("strict", night.AddHours(3))],
            seen.Select(run => (run.Context, run.ScheduledAt)).Order());
        Assert.All(seen, run => Assert.InRange(run.StartedAt, run.ScheduledAt, night.AddHours(3) + Bounded.Limit));
        Assert.Equal(seen.Count, await Database.WorkflowsAsync());
        var told = Log.Entries.Where(entry => entry.Id == MomentsLeftOut).Select(entry => entry.Text.Split(' ')[1]);
        Assert.Equal(["late", "strict"], told.Order(StringComparer.Ordinal));
    }

    // A client never asks what time it is for the database unless it has to know.
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_client_explains_a_sleep_by_the_databases_clock(int hours)
    {
        var sleeper = Workflow.Define<int, int>("sleeper").Sleep(TimeSpan.FromMinutes(20)).Return(x => x.Input);
        var engine = await LaunchMovedAsync(hours, options => options.UnloadAfter = TimeSpan.Zero, sleeper);
        await using var client = await WorkflowClient.ConnectAsync(options => options.UsePostgres(Moved), Cancel);
        await engine.BeginAsync(sleeper, 1, "A");
        await Parkable.ParkedAsync(engine, "A");

        Assert.Equal("sleeping", (await client.ExplainAsync("A", Cancel)).Reason);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("UPDATE fluent_waits SET wake_at = wake_at - 1800000");
        Assert.Equal("no-engine", (await client.ExplainAsync("A", Cancel)).Reason);
    }

    // Names without a schema are looked up along the path, and what PostgreSQL brings along comes last there.
    private Task<int> MoveAsync(TimeSpan by)
    {
        var interval = $"interval '{(long)by.TotalMilliseconds} milliseconds'";
        return Database.ExecuteAsync(
            $"""
            CREATE SCHEMA IF NOT EXISTS moved;
            CREATE OR REPLACE FUNCTION moved.now() RETURNS timestamptz STABLE LANGUAGE sql
                AS $$ SELECT pg_catalog.now() + {interval} $$;
            CREATE OR REPLACE FUNCTION moved.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
                AS $$ SELECT pg_catalog.clock_timestamp() + {interval} $$;
            """);
    }

    private async Task<WorkflowEngine> LaunchMovedAsync(int hours, Action<EngineOptions> configure, params WorkflowDefinition[] definitions)
    {
        await MoveAsync(TimeSpan.FromHours(hours));
        return await LaunchMovedAsync(configure, definitions);
    }

    private async Task<WorkflowEngine> LaunchMovedAsync(Action<EngineOptions> configure, params WorkflowDefinition[] definitions)
    {
        return await LaunchAsync(
            options =>
            {
                options.UsePostgres(Moved);
                configure(options);
            },
            definitions);
    }

    private Task<long> ClockAsync(int hours) => Database.CountAsync(
        $"SELECT (EXTRACT(epoch FROM clock_timestamp() + interval '{hours} hours') * 1000)::bigint");

    private async Task<List<long>> MomentsAsync(string sql) =>
        (await Database.QueryAsync(sql)).ConvertAll(row => long.Parse(row[0]!, System.Globalization.CultureInfo.InvariantCulture));
}
