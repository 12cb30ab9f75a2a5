using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Handing on the work of executors that are gone, and nobody else's.</summary>
public abstract class HandOnStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly TimeSpan Unmoved = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Direct_start_goes_to_the_internal_queue()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 60_000 });
        var deadline = bed.Time.NowMs + 60_000;
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(["w"], await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel));

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "ENQUEUED"),
            ("owner_xid", null),
            ("creator_xid", "token of w"),
            ("queue_name", A.InternalQueue),
            ("executor_id", A.ExecutorId),
            ("application_version", A.Version),
            ("application_name", A.Application),
            ("recovery_attempts", 1),
            ("workflow_timeout_ms", 60_000),
            ("workflow_deadline_epoch_ms", deadline),
            ("updated_at", bed.Time.NowMs),
            ("completed_at", null));
    }

    [Fact]
    public async Task Claimed_workflow_goes_back_to_its_queue_and_keeps_what_it_holds_there()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { DeduplicationId = "only one", PartitionKey = "north", Priority = 4 });
        await ClaimOneAsync(bed.Store, A.Claim("token"));

        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "ENQUEUED"),
            ("queue_name", A.Queue),
            ("deduplication_id", "only one"),
            ("queue_partition_key", "north"),
            ("priority", 4),
            ("started_at_epoch_ms", bed.Time.NowMs),
            ("owner_xid", null));
    }

    [Fact]
    public async Task History_of_the_workflow_is_kept()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Checkpoints(await RunningAsync(bed, "w"), 0, 1));
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);
        await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.Equal([0, 1], (await bed.Store.Claims.ReadHistoriesAsync(["w"], Cancel))["w"].Select(checkpoint => checkpoint.Sequence));
    }

    [Fact]
    public async Task Only_running_workflows_of_the_named_executors_are_handed_on()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("first") with { ExecutorId = "executor-1" });
        await RunningAsync(bed, A.Direct("second") with { ExecutorId = "executor-2" });
        await RunningAsync(bed, A.Direct("third") with { ExecutorId = "executor-3" });
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "ended")));
        await RunningAsync(bed, "cancelled");
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);

        var handedOn = await bed.Store.Executors.HandOnAsync(A.HandOn("executor-1", "executor-2"), Cancel);

        Assert.Equal(["first", "second"], handedOn.Order());
        HasColumns(await bed.RowAsync("third"), ("status", "PENDING"), ("owner_xid", "token of third"));
        HasColumns(await bed.RowAsync("ended"), ("status", "SUCCESS"));
        HasColumns(await bed.RowAsync("cancelled"), ("status", "CANCELLED"));
        Assert.Empty(await bed.Store.Executors.HandOnAsync(A.HandOn(), Cancel));
    }

    [Fact]
    public async Task Other_applications_other_names_and_excepted_executions_are_left_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("theirs") with { ApplicationName = A.OtherApplication });
        await RunningAsync(bed, A.Direct("unknown here") with { Name = "refund" });
        await RunningAsync(bed, "excepted");
        await RunningAsync(bed, "handed on");

        // Neither the id alone nor the token alone tells what runs here: the rows of one claim share a token.
        var request = A.HandOn(A.ExecutorId) with
        {
            Except = new([], [new("excepted", "token of excepted"), new("handed on", "another token"), new("gone", "token of handed on")]),
        };
        bed.Time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(["handed on"], await bed.Store.Executors.HandOnAsync(request, Cancel));
        Assert.Empty(await bed.Store.Executors.HandOnOrphansAsync(request, Unmoved, Cancel));
        foreach (var id in (string[])["theirs", "unknown here", "excepted"])
        {
            HasColumns(await bed.RowAsync(id), ("status", "PENDING"), ("owner_xid", "token of " + id));
        }
    }

    [Fact]
    public async Task No_more_than_the_limit_are_handed_on()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var number in Enumerable.Range(0, 5))
        {
            await RunningAsync(bed, $"w{number}");
        }

        bed.Time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(2, (await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId) with { Limit = 2 }, Cancel)).Count);
        Assert.Equal(2, (await bed.Store.Executors.HandOnOrphansAsync(A.HandOn() with { Limit = 2 }, Unmoved, Cancel)).Count);
        Assert.Single(await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel));
    }

    [Fact]
    public async Task Orphans_are_those_whose_executor_has_no_live_lease()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var executor in (string[])["alive", "expired", "stopped"])
        {
            await bed.Store.Executors.RegisterAsync(A.Executor(executor), Cancel);
        }

        await bed.Store.Executors.ExpireAsync("expired", "first launch", Cancel);
        await bed.Store.Executors.StopAsync("stopped", "first launch", Cancel);
        foreach (var executor in (string[])["alive", "expired", "stopped", "never registered"])
        {
            await RunningAsync(bed, A.Direct("of " + executor) with { ExecutorId = executor });
        }

        bed.Time.Advance(TimeSpan.FromHours(1));
        var handedOn = await bed.Store.Executors.HandOnOrphansAsync(A.HandOn(), Unmoved, Cancel);

        Assert.Equal(["of expired", "of never registered", "of stopped"], handedOn.Order());
        HasColumns(await bed.RowAsync("of alive"), ("status", "PENDING"), ("owner_xid", "token of of alive"));
        HasColumns(await bed.RowAsync("of expired"), ("status", "ENQUEUED"), ("owner_xid", null), ("queue_name", A.InternalQueue));
    }

    // It was found dead, and launched anew before the statement.
    [Fact]
    public async Task Work_of_one_that_lives_is_handed_on_by_itself_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor("executor-2"), Cancel);
        await RunningAsync(bed, A.Direct("w") with { ExecutorId = "executor-2" });

        Assert.Empty(await bed.Store.Executors.HandOnAsync(A.HandOn("executor-2") with { Observer = "executor-1" }, Cancel));
        Assert.Equal(["w"], await bed.Store.Executors.HandOnAsync(A.HandOn("executor-2") with { Observer = "executor-2" }, Cancel));
    }

    // A statement that was held up finds the leases of all ended, its sender's too.
    [Fact]
    public async Task Orphans_are_found_by_those_alone_whose_own_lease_lives()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor("observer"), Cancel);
        await RunningAsync(bed, "w");
        bed.Time.Advance(TimeSpan.FromHours(1));
        var request = A.HandOn() with { Observer = "observer" };

        await bed.Store.Executors.ExpireAsync("observer", "first launch", Cancel);
        Assert.Empty(await bed.Store.Executors.HandOnOrphansAsync(request, Unmoved, Cancel));
        await bed.Store.Executors.RegisterAsync(A.Executor("observer"), Cancel);
        Assert.Equal(["w"], await bed.Store.Executors.HandOnOrphansAsync(request, Unmoved, Cancel));
    }

    // By whoever marks it, or enqueues its id once more.
    [Fact]
    public async Task Orphan_that_others_moved_is_handed_on_all_the_same()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        await EnqueueAsync(bed, A.Enqueued("claimed"));
        bed.Time.Advance(Unmoved + TimeSpan.FromMilliseconds(1));
        await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.True(await bed.Store.Management.SetAttributesAsync("w", "{}", Cancel));
        HasColumns(await bed.RowAsync("w"), ("updated_at", bed.Time.NowMs));
        Assert.Equal(["w"], await bed.Store.Executors.HandOnOrphansAsync(A.HandOn(), Unmoved, Cancel));
        bed.Time.Advance(Unmoved + TimeSpan.FromMilliseconds(1));
        Assert.True(await bed.Store.Management.SetAttributesAsync("claimed", "{}", Cancel));
        Assert.Equal(["claimed"], await bed.Store.Executors.HandOnOrphansAsync(A.HandOn(), Unmoved, Cancel));
    }

    [Fact]
    public async Task Orphan_that_was_taken_a_moment_ago_is_left_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");

        Assert.Empty(await bed.Store.Executors.HandOnOrphansAsync(A.HandOn(), Unmoved, Cancel));
        bed.Time.Advance(Unmoved + TimeSpan.FromMilliseconds(1));

        Assert.Equal(["w"], await bed.Store.Executors.HandOnOrphansAsync(A.HandOn(), Unmoved, Cancel));
    }

    [Fact]
    public async Task Owner_hands_back_what_it_does_not_run()
    {
        await using var bed = await Fixture.CreateAsync();
        var mine = await RunningAsync(bed, "mine");
        var lost = await RunningAsync(bed, "lost");
        var ended = await RunningAsync(bed, "ended");
        await RunningAsync(bed, "running");
        await CommitAsync(bed.Store, A.Outcome(ended));

        var handedBack = await bed.Store.Executors.HandBackAsync(
            [mine, lost with { Token = "stale" }, ended, new("unknown", "any")], attempted: true, Cancel);

        Assert.Equal(["mine"], handedBack);
        HasColumns(
            await bed.RowAsync("mine"),
            ("status", "ENQUEUED"),
            ("owner_xid", null),
            ("queue_name", A.InternalQueue),
            ("started_at_epoch_ms", null),
            ("recovery_attempts", 1));
        HasColumns(await bed.RowAsync("lost"), ("status", "PENDING"), ("owner_xid", "token of lost"));
        HasColumns(await bed.RowAsync("running"), ("status", "PENDING"), ("owner_xid", "token of running"));
        HasColumns(await bed.RowAsync("ended"), ("status", "SUCCESS"));
        Assert.Empty(await bed.Store.Executors.HandBackAsync([], attempted: true, Cancel));

        // What was claimed and never begun has used up no attempt.
        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token"));
        Assert.Equal(2, claimed.Attempt);
        Assert.Equal(["mine"], await bed.Store.Executors.HandBackAsync([new("mine", "token")], attempted: false, Cancel));
        Assert.Equal(2, (await ClaimOneAsync(bed.Store, A.Claim("next token"))).Attempt);
    }

    [Fact]
    public async Task Former_owner_writes_nothing_more()
    {
        await using var bed = await Fixture.CreateAsync();
        var former = await RunningAsync(bed, "w");
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);
        var whileWaiting = await CommitAsync(bed.Store, A.Checkpoints(former, 0));
        await ClaimOneAsync(bed.Open(), A.Claim("token"));

        Assert.Equal(CommitStatus.NotOwned, whileWaiting.Status);
        Assert.Equal(
            [CommitStatus.NotOwned, CommitStatus.NotOwned, CommitStatus.NotOwned],
            await StatusesAsync(bed.Store, A.Checkpoints(former, 0), A.Outcome(former), A.Child(former, 1, A.Direct("child"))));
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, A.Outcome(new("w", "token"))));
    }
}
