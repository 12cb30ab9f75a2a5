using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Queues as rows: who may register and change them, their pause, and what waits in them.</summary>
public abstract class QueueStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly WorkflowQueue Full = new(A.Queue)
    {
        Concurrency = 50,
        WorkerConcurrency = 10,
        RateLimit = new(100, TimeSpan.FromSeconds(30)),
        PartitionConcurrency = 5,
        PartitionWorkerConcurrency = 2,
        PartitionRateLimit = new(7, TimeSpan.FromMilliseconds(1_500)),
        PollInterval = TimeSpan.FromMilliseconds(250),
    };

    [Fact]
    public async Task Queue_comes_back_with_all_its_limits()
    {
        await using var bed = await Fixture.CreateAsync();

        var registered = await Queueing.RegisterAsync(bed, Full);

        var row = new QueueRow(Full, Paused: false, A.Application);
        Assert.Equal(new QueueRegistered(row, null), registered);
        Assert.Equal(row, await bed.Store.Queues.ReadAsync(A.Queue, Cancel));
        Assert.Equal([row], await bed.Store.Queues.ReadAllAsync(A.Application, Cancel));
    }

    [Fact]
    public async Task Queue_without_limits_comes_back_without()
    {
        await using var bed = await Fixture.CreateAsync();

        await Queueing.RegisterAsync(bed, Queueing.Line);

        Assert.Equal(new QueueRow(Queueing.Line, false, A.Application), await bed.Store.Queues.ReadAsync(A.Queue, Cancel));
    }

    [Fact]
    public async Task Row_says_to_other_SDKs_what_they_look_at()
    {
        await using var bed = await Fixture.CreateAsync();

        await Queueing.RegisterAsync(bed, Full);
        await Queueing.RegisterAsync(bed, new WorkflowQueue("plain"));

        var rows = await bed.QueryAsync("SELECT * FROM queues ORDER BY name");
        HasColumns(
            rows[0],
            ("name", A.Queue),
            ("concurrency", 50),
            ("worker_concurrency", 10),
            ("rate_limit_max", 100),
            ("rate_limit_period_sec", 30.0),
            ("priority_enabled", 1),
            ("partition_queue", 1),
            ("polling_interval_sec", 0.25),
            ("created_at", bed.Time.NowMs),
            ("updated_at", bed.Time.NowMs),
            ("application_name", A.Application),
            ("partition_concurrency", 5),
            ("partition_worker_concurrency", 2),
            ("partition_rate_limit_max", 7),
            ("partition_rate_limit_period_sec", 1.5));
        HasColumns(rows[1], ("concurrency", null), ("partition_queue", 0), ("priority_enabled", 1), ("polling_interval_sec", 1.0));
        Assert.All(rows, row => Assert.NotEqual("", row["queue_id"]));
    }

    [Fact]
    public async Task Fraction_of_a_millisecond_of_a_window_is_rounded_up()
    {
        await using var bed = await Fixture.CreateAsync();

        await Queueing.RegisterAsync(bed, Queueing.Line with { RateLimit = new(1, TimeSpan.FromTicks(15_000)) });

        HasColumns(Assert.Single(await bed.QueryAsync("SELECT * FROM queues")), ("rate_limit_period_sec", 0.002));
        var row = await bed.Store.Queues.ReadAsync(A.Queue, Cancel);
        Assert.Equal(TimeSpan.FromMilliseconds(2), row!.Queue.RateLimit!.Per);
    }

    [Fact]
    public async Task Registering_again_overwrites_every_limit()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);
        var before = (await bed.QueryAsync("SELECT * FROM queues"))[0];
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        var changed = Queueing.Line with { WorkerConcurrency = 3 };

        var registered = await Queueing.RegisterAsync(bed, changed);

        Assert.Equal(changed, registered.Row.Queue);
        Assert.Equal(changed, (await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!.Queue);
        HasColumns(
            Assert.Single(await bed.QueryAsync("SELECT * FROM queues")),
            ("queue_id", before["queue_id"]),
            ("created_at", before["created_at"]),
            ("updated_at", bed.Time.NowMs),
            ("partition_queue", 0));
    }

    [Fact]
    public async Task Row_that_is_never_to_be_updated_stays()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);

        var registered = await bed.Store.Queues.RegisterAsync(Queueing.Registration(Queueing.Line, OnConflict.NeverUpdate), Cancel);

        Assert.Equal(new QueueRegistered(new QueueRow(Full, false, A.Application), null), registered);
        Assert.Equal(Full, (await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!.Queue);
    }

    [Theory]
    [InlineData("v2", true)]
    [InlineData("v1", false)]
    [InlineData(null, false)]
    public async Task Only_the_latest_version_overwrites_where_that_is_the_policy(string? version, bool overwrites)
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);
        await bed.Store.Executors.RegisterAsync(A.Executor("old"), Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await bed.Store.Executors.RegisterAsync(A.Executor("new") with { ApplicationVersion = "v2" }, Cancel);

        var registered = await bed.Store.Queues.RegisterAsync(
            new QueueRegistration(Queueing.Line, OnConflict.UpdateIfLatestVersion, A.Application, version), Cancel);

        var expected = overwrites ? Queueing.Line : Full;
        Assert.Equal(expected, registered.Row.Queue);
        Assert.Equal(expected, (await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!.Queue);
    }

    [Theory]
    [InlineData(OnConflict.AlwaysUpdate)]
    [InlineData(OnConflict.NeverUpdate)]
    [InlineData(OnConflict.UpdateIfLatestVersion)]
    public async Task Any_policy_registers_a_queue_that_is_not_there(OnConflict policy)
    {
        await using var bed = await Fixture.CreateAsync();

        await bed.Store.Queues.RegisterAsync(new QueueRegistration(Full, policy, null, null), Cancel);

        Assert.Equal(new QueueRow(Full, false, null), await bed.Store.Queues.ReadAsync(A.Queue, Cancel));
    }

    [Fact]
    public async Task Queue_of_nobody_becomes_that_of_whoever_registers_it_also_where_its_limits_stay()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Queues.RegisterAsync(new QueueRegistration(Full, OnConflict.AlwaysUpdate, null, null), Cancel);

        await bed.Store.Queues.RegisterAsync(Queueing.Registration(Queueing.Line, OnConflict.NeverUpdate), Cancel);

        Assert.Equal(new QueueRow(Full, false, A.Application), await bed.Store.Queues.ReadAsync(A.Queue, Cancel));
    }

    [Fact]
    public async Task Queue_of_another_application_is_refused_and_left()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);

        var registered = await bed.Store.Queues.RegisterAsync(
            Queueing.Registration(Queueing.Line) with { ApplicationName = A.OtherApplication }, Cancel);

        Assert.Equal(A.Application, registered.OtherApplication);
        Assert.Equal(new QueueRow(Full, false, A.Application), await bed.Store.Queues.ReadAsync(A.Queue, Cancel));
    }

    [Fact]
    public async Task Queue_of_no_application_becomes_the_registrants()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Queues.RegisterAsync(Queueing.Registration(Full) with { ApplicationName = null }, Cancel);

        var registered = await Queueing.RegisterAsync(bed, Queueing.Line);

        Assert.Equal(new QueueRegistered(new QueueRow(Queueing.Line, false, A.Application), null), registered);
        Assert.Equal(A.Application, (await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!.ApplicationName);
    }

    [Fact]
    public async Task Queues_are_listed_by_application_and_in_ordinal_order()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var (name, application) in new[] { ("b", A.Application), ("a", null), ("C", A.Application), ("d", A.OtherApplication) })
        {
            await bed.Store.Queues.RegisterAsync(
                Queueing.Registration(new WorkflowQueue(name)) with { ApplicationName = application }, Cancel);
        }

        Assert.Equal(["C", "a", "b"], await NamesAsync(bed, A.Application));
        Assert.Equal(["a", "d"], await NamesAsync(bed, A.OtherApplication));
        Assert.Equal(["C", "a", "b", "d"], await NamesAsync(bed, null));
    }

    [Fact]
    public async Task Unknown_queue_is_null_cannot_be_paused_and_may_be_deleted()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Null(await bed.Store.Queues.ReadAsync("unknown", Cancel));
        Assert.False(await bed.Store.Queues.SetPausedAsync("unknown", true, Cancel));
        await bed.Store.Queues.DeleteAsync("unknown", Cancel);

        Assert.Empty(await bed.Store.Queues.ReadAllAsync(null, Cancel));
    }

    [Fact]
    public async Task Pause_stays_until_it_is_ended_also_through_another_registration()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);

        Assert.True(await bed.Store.Queues.SetPausedAsync(A.Queue, true, Cancel));
        Assert.True((await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!.Paused);
        Assert.True((await Queueing.RegisterAsync(bed, Queueing.Line)).Row.Paused);
        Assert.True(Assert.Single(await bed.Store.Queues.ReadAllAsync(A.Application, Cancel)).Paused);
        Assert.True(await bed.Store.Queues.SetPausedAsync(A.Queue, true, Cancel));
        Assert.True(await bed.Store.Queues.SetPausedAsync(A.Queue, false, Cancel));

        Assert.False((await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!.Paused);
    }

    [Fact]
    public async Task Deleted_queue_leaves_what_waits_and_takes_its_pause_along()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);
        await bed.Store.Queues.SetPausedAsync(A.Queue, true, Cancel);
        await Queueing.EnqueueAsync(bed, "w");

        await bed.Store.Queues.DeleteAsync(A.Queue, Cancel);

        Assert.Null(await bed.Store.Queues.ReadAsync(A.Queue, Cancel));
        HasColumns(await bed.RowAsync("w"), ("status", "ENQUEUED"), ("queue_name", A.Queue));
        Assert.False((await Queueing.RegisterAsync(bed, Full)).Row.Paused);
    }

    [Theory]
    [InlineData("concurrency = 0")]
    [InlineData("concurrency = -3")]
    [InlineData("worker_concurrency = 0")]
    [InlineData("rate_limit_max = 0")]
    [InlineData("rate_limit_period_sec = 0")]
    [InlineData("partition_concurrency = 0")]
    [InlineData("partition_worker_concurrency = -1")]
    [InlineData("partition_rate_limit_max = -1")]
    [InlineData("partition_rate_limit_period_sec = -1.5")]
    public async Task Limit_of_another_SDK_that_lets_nothing_through_reads_as_a_pause(string assignment)
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);
        await Queueing.EnqueueByLetterAsync(bed, "a1");

        await bed.ExecuteAsync("UPDATE queues SET " + assignment);

        Assert.True((await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!.Paused);
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "token"));
        Assert.Empty(await ClaimIdsAsync(bed.Store, A.Claim("token 2")));
    }

    [Fact]
    public async Task Counts_tell_what_waits_and_what_runs_by_queue()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.EnqueueAsync(bed, "a", "b", "c", "d");
        await EnqueueAsync(
            bed,
            Queueing.Delayed("later"),
            A.Enqueued("elsewhere") with { Queue = "other" },
            A.Enqueued("not asked for") with { Queue = "third" });
        await ClaimIdsAsync(bed.Store, A.Claim("token", limit: 2));
        await Queueing.EndAsync(bed, "a", "token");

        var counts = await bed.Store.Queues.CountAsync([A.Queue, "other", "empty"], Cancel);

        Assert.Equal(2, counts.Count);
        Assert.Equal(new QueueCount(Waiting: 2, Running: 1), counts[A.Queue]);
        Assert.Equal(new QueueCount(Waiting: 1, Running: 0), counts["other"]);
        Assert.Empty(await bed.Store.Queues.CountAsync([], Cancel));
    }

    [Fact]
    public async Task Outlook_of_an_idle_database_is_empty()
    {
        await using var bed = await Fixture.CreateAsync();

        var outlook = await bed.Store.Queues.ReadOutlookAsync(A.Application, Cancel);

        Assert.Empty(outlook.Queues);
        Assert.Empty(outlook.Waiting);
        Assert.Equal(
            (null, new ParkedOutlook(false, null), false, bed.Time.NowMs),
            (outlook.NextDelayedAtMs, outlook.Parked, outlook.DeadlinePassed, outlook.NowMs));
    }

    [Fact]
    public async Task Outlook_names_the_queues_of_the_application_and_those_in_which_something_of_it_waits()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Full);
        await bed.Store.Queues.RegisterAsync(
            Queueing.Registration(new WorkflowQueue("theirs")) with { ApplicationName = A.OtherApplication }, Cancel);
        await EnqueueAsync(
            bed,
            A.Enqueued("a"),
            A.Enqueued("b"),
            A.Enqueued("internal") with { Queue = A.InternalQueue },
            A.Enqueued("nobody's") with { Queue = "unregistered", ApplicationName = null },
            A.Enqueued("foreign") with { Queue = "foreign", ApplicationName = A.OtherApplication },
            Queueing.Delayed("later") with { Queue = "delayed only" });

        var outlook = await bed.Store.Queues.ReadOutlookAsync(A.Application, Cancel);

        Assert.Equal([new QueueRow(Full, false, A.Application)], outlook.Queues);
        Assert.Equal([A.InternalQueue, A.Queue, "unregistered"], outlook.Waiting.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Outlook_tells_of_the_first_delayed_enqueue_and_not_of_parked_workflows_as_such()
    {
        await using var bed = await Fixture.CreateAsync();
        var now = bed.Time.NowMs;
        await Parking.ParkedAsync(bed, "parked", Parking.Until(now + 1_000, "parked"));
        await StatusesAsync(
            bed.Store,
            A.Start(Queueing.Delayed("second", 9_000)),
            A.Start(Queueing.Delayed("first", 5_000) with { ApplicationName = null }),
            A.Start(Queueing.Delayed("theirs", 2_000) with { ApplicationName = A.OtherApplication }));

        var outlook = await bed.Store.Queues.ReadOutlookAsync(A.Application, Cancel);

        Assert.Equal(now + 5_000, outlook.NextDelayedAtMs);
        Assert.Equal(new ParkedOutlook(true, now + 1_000), outlook.Parked);
    }

    [Fact]
    public async Task Outlook_tells_of_a_deadline_that_has_passed()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("theirs") with { TimeoutMs = 1_000, ApplicationName = A.OtherApplication });
        bed.Time.Advance(TimeSpan.FromSeconds(2));
        await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 1_000 });

        Assert.False((await bed.Store.Queues.ReadOutlookAsync(A.Application, Cancel)).DeadlinePassed);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True((await bed.Store.Queues.ReadOutlookAsync(A.Application, Cancel)).DeadlinePassed);
        await bed.Store.Workflows.CancelExpiredAsync(A.Application, 10, A.CancelError, Cancel);
        Assert.False((await bed.Store.Queues.ReadOutlookAsync(A.Application, Cancel)).DeadlinePassed);
    }

    private static async Task<string[]> NamesAsync(StoreBed bed, string? application) =>
        [.. (await bed.Store.Queues.ReadAllAsync(application, Cancel)).Select(row => row.Queue.Name)];
}
