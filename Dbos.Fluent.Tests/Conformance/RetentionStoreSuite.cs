using Dbos.Fluent.Retention;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Which ended workflows a policy deletes, and in which portions. Scenarios GC.</summary>
public abstract class RetentionStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    // GC-01
    [Fact]
    public async Task Age_and_number_each_delete_and_what_has_not_ended_stays()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "running");
        await EnqueueAsync(bed, A.Enqueued("waiting"), A.Enqueued("delayed") with { State = WorkflowState.Delayed, DelayMs = 60_000 });
        await EndedAsync(bed, 10);

        Assert.Equal(0, await CollectAsync(bed, new() { OlderThan = TimeSpan.FromSeconds(11), KeepNewest = 10 }));
        Assert.Equal(4, await CollectAsync(bed, new() { OlderThan = TimeSpan.FromSeconds(9), KeepNewest = 6 }));
        Assert.Equal("w05, w06, w07, w08, w09, w10", await ListAsync(bed, "w__"));
        Assert.Equal(3, await CollectAsync(bed, new() { OlderThan = TimeSpan.FromSeconds(4), KeepNewest = 6 }));
        Assert.Equal("w08, w09, w10", await ListAsync(bed, "w__"));
        Assert.Equal(2, await CollectAsync(bed, new() { KeepNewest = 1 }));
        Assert.Equal(1, await CollectAsync(bed, new() { OlderThan = TimeSpan.Zero }));
        Assert.Equal(0, await CollectAsync(bed, new() { OlderThan = TimeSpan.Zero, KeepNewest = 0 }));

        Assert.Equal("delayed, running, waiting", await ListAsync(bed, "%"));
        Assert.Equal((0, 0), (await bed.CountAsync("operation_outputs"), await bed.CountAsync("workflow_output")));
        Assert.Equal(3, await bed.CountAsync("workflow_input"));
    }

    [Fact]
    public async Task A_collected_workflow_leaves_nothing_behind_in_any_table()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "parked", Parking.ForMessage("parked"));
        await bed.ExecuteAsync("INSERT INTO fluent_generations (workflow_uuid, generation) VALUES ('parked', 1)");
        var before = await bed.DumpAsync();
        await RewindStoreSuite.EndedAsync(bed, "w");
        await bed.ExecuteAsync("INSERT INTO fluent_generations (workflow_uuid, generation) VALUES ('w', 1)");
        await bed.ExecuteAsync("INSERT INTO fluent_origins (workflow_uuid, seed, started_at) VALUES ('w', 1, 1)");

        // The waits of one that another SDK cancelled are still there.
        await Parking.ParkedAsync(bed, "cancelled", Parking.ForMessage("cancelled"));
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED', completed_at = 1 WHERE workflow_uuid = 'cancelled'");
        foreach (var table in RewindStoreSuite.Tables)
        {
            Assert.True(await bed.CountAsync(table) > 0, $"{table} has nothing to lose.");
        }

        Assert.Equal(2, await CollectAsync(bed, new() { KeepNewest = 0 }));

        Assert.Equal(before, await bed.DumpAsync());
        Assert.Equal((0, 0), (await bed.CountAsync("fluent_message_order"), await bed.CountAsync("workflow_events_history")));
    }

    [Fact]
    public async Task Name_state_and_application_narrow_it_down()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, 4);
        await bed.ExecuteAsync(
            """
            UPDATE workflow_status
               SET name = CASE WHEN workflow_uuid = 'w01' THEN 'other' ELSE name END,
                   status = CASE WHEN workflow_uuid = 'w02' THEN 'ERROR' ELSE status END,
                   application_name = CASE workflow_uuid WHEN 'w03' THEN 'warehouse' WHEN 'w04' THEN NULL ELSE application_name END
            """);
        var all = new RetentionPolicy { KeepNewest = 0 };

        Assert.Equal(1, await CollectAsync(bed, all with { Name = "other" }));
        Assert.Equal(1, await CollectAsync(bed, all with { States = [WorkflowState.Error, WorkflowState.Cancelled] }));
        Assert.Equal(1, await CollectAsync(bed, all));
        Assert.Equal("w03", await ListAsync(bed, "%"));
        Assert.Equal(1, await CollectAsync(bed, all, application: null));
    }

    [Fact]
    public async Task Children_stay_while_a_fork_of_their_parent_goes_on()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await CommitAsync(bed.Store, A.Child(parent, 0, A.Direct("child")));
        await CommitAsync(bed.Store, A.Outcome(new("child", "token of child")));
        await CommitAsync(bed.Store, A.Outcome(parent));
        var fork = await RunningAsync(bed, "fork");
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'parent' WHERE workflow_uuid = 'fork'");

        Assert.Equal(1, await CollectAsync(bed, new() { KeepNewest = 0 }));
        Assert.Equal("child, fork", await ListAsync(bed, "%"));

        // A fork of the fork may await the child too, and is found through the fork only.
        await CommitAsync(bed.Store, A.Outcome(fork));
        var next = await RunningAsync(bed, "next fork");
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'fork' WHERE workflow_uuid = 'next fork'");
        Assert.Equal(0, await CollectAsync(bed, new() { KeepNewest = 0 }));
        await CommitAsync(bed.Store, A.Outcome(next));
        Assert.Equal(3, await CollectAsync(bed, new() { KeepNewest = 0 }));
    }

    [Fact]
    public async Task What_was_forked_stays_until_its_fork_has_ended_as_one_that_never_ran_has_its_origin_there()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "source")));
        var origin = WorkflowOrigin.OfDirectStart("source", bed.Time.NowMs);
        await EnqueueAsync(bed, A.Enqueued("fork"));
        await bed.ExecuteAsync("UPDATE workflow_status SET was_forked_from = true WHERE workflow_uuid = 'source'");
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'source' WHERE workflow_uuid = 'fork'");

        Assert.Equal(0, await CollectAsync(bed, new() { KeepNewest = 0 }));
        Assert.Equal(origin, (await ClaimOneAsync(bed.Store, A.Claim("token"))).Origin);
        await CommitAsync(bed.Store, A.Outcome(new("fork", "token")));
        Assert.Equal(2, await CollectAsync(bed, new() { KeepNewest = 0 }));
    }

    [Fact]
    public async Task Starts_stay_while_they_count_in_their_queues_window()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, new(A.Queue) { RateLimit = new(5, TimeSpan.FromMinutes(1)) });
        await Queueing.EnqueueAsync(bed, "w1", "w2");
        Assert.Equal(["w1", "w2"], await Queueing.ClaimIdsAsync(bed, "token"));
        await Queueing.EndAsync(bed, "w1", "token");
        await Queueing.EndAsync(bed, "w2", "token");
        await bed.ExecuteAsync("UPDATE workflow_status SET rate_limited = false WHERE workflow_uuid = 'w2'");

        Assert.Equal(1, await CollectAsync(bed, new() { KeepNewest = 0 }));
        bed.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, await CollectAsync(bed, new() { KeepNewest = 0 }));
    }

    [Fact]
    public async Task Families_with_a_living_parent_or_child_stay()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "living parent");
        await CommitAsync(bed.Store, A.Child(parent, 0, A.Direct("ended child")));
        await CommitAsync(bed.Store, A.Outcome(new("ended child", "token of ended child")));
        var ended = await RunningAsync(bed, "ended parent");
        await CommitAsync(bed.Store, A.Child(ended, 0, A.Direct("living child")));
        await CommitAsync(bed.Store, A.Outcome(ended));
        var policy = new RetentionPolicy { KeepNewest = 0 };

        Assert.Equal(0, await CollectAsync(bed, policy));
        await CommitAsync(bed.Store, A.Outcome(parent));
        await CommitAsync(bed.Store, A.Outcome(new("living child", "token of living child")));
        Assert.Equal(4, await CollectAsync(bed, policy));
    }

    // It may be nobody's child: attached by its id, found under a deduplication id, or debounced by several.
    [Fact]
    public async Task What_a_parked_workflow_awaits_stays_whoever_has_started_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "waiting", Parking.ForOutcome("awaited"), Parking.ForOutcome("unknown", sequence: 7));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "awaited")));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "other")));

        Assert.Equal(1, await CollectAsync(bed, new() { KeepNewest = 0 }));
        Assert.Equal("awaited, waiting", await ListAsync(bed, "%"));

        // Another SDK's sweep wakes it like that.
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'ENQUEUED' WHERE workflow_uuid = 'waiting'");
        Assert.Equal(0, await CollectAsync(bed, new() { KeepNewest = 0 }));

        // The waits of one that another SDK cancelled keep nothing.
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED', completed_at = 1 WHERE workflow_uuid = 'waiting'");
        Assert.Equal(2, await CollectAsync(bed, new() { KeepNewest = 0 }));
    }

    // Resumed, it may still look at its children, and a fork at those of its source.
    [Theory]
    [InlineData("CANCELLED")]
    [InlineData("MAX_RECOVERY_ATTEMPTS_EXCEEDED")]
    public async Task Families_of_one_that_can_be_resumed_go_after_it(string state)
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await CommitAsync(bed.Store, A.Child(parent, 0, A.Direct("child")));
        await CommitAsync(bed.Store, A.Outcome(new("child", "token of child")));
        var source = await RunningAsync(bed, "source");
        await CommitAsync(bed.Store, A.Child(source, 0, A.Direct("child of source")));
        await CommitAsync(bed.Store, A.Outcome(new("child of source", "token of child of source")));
        await CommitAsync(bed.Store, A.Outcome(source));
        await RunningAsync(bed, "fork");
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'source' WHERE workflow_uuid = 'fork'");
        await bed.ExecuteAsync("UPDATE workflow_status SET was_forked_from = true WHERE workflow_uuid = 'source'");
        await bed.ExecuteAsync(
            $"UPDATE workflow_status SET status = '{state}', completed_at = {bed.Time.NowMs} WHERE workflow_uuid IN ('parent', 'fork')");

        Assert.Equal(0, await CollectAsync(bed, new() { KeepNewest = 2 }));
        Assert.Equal(0, await CollectAsync(bed, new() { KeepNewest = 0, States = [WorkflowState.Success] }));

        // What ended before the two goes in the same call.
        Assert.Equal(5, await CollectAsync(bed, new() { KeepNewest = 0 }));
    }

    // Ids that are deleted and used again can make two workflows each other's fork.
    [Fact]
    public async Task Forks_of_each_other_go_when_both_have_ended()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, 2);
        var running = await RunningAsync(bed, "running");
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'w01' WHERE workflow_uuid IN ('w02', 'running')");
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'w02' WHERE workflow_uuid = 'w01'");
        var policy = new RetentionPolicy { KeepNewest = 0 };

        Assert.Equal(0, await CollectAsync(bed, policy));
        await CommitAsync(bed.Store, A.Outcome(running));
        Assert.Equal(3, await CollectAsync(bed, policy));
    }

    // GC-02: what one batch has deleted stays deleted, and the next goes on behind what had to stay.
    [Fact]
    public async Task Batches_go_on_behind_each_other()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, 10);
        var parent = await RunningAsync(bed, "parent");
        await bed.ExecuteAsync("UPDATE workflow_status SET parent_workflow_id = 'parent' WHERE workflow_uuid IN ('w01', 'w02', 'w05')");
        var scope = new RetentionScope(new() { KeepNewest = 0 }, A.Application);
        var bound = (await bed.Store.Management.ReadRetentionBoundAsync(scope, Cancel))!.Value;
        var request = new RetentionRequest(scope, bound, null, 3);

        var first = await bed.Store.Management.CollectAsync(request, Cancel);
        Assert.Equal((3, "w06"), (first.Deleted, first.Last!.Value.Id));
        Assert.Equal("w01, w02, w05, w07, w08, w09, w10", await ListAsync(bed, "w__"));
        var second = await bed.Store.Management.CollectAsync(request with { After = first.Last }, Cancel);
        Assert.Equal((3, "w09"), (second.Deleted, second.Last!.Value.Id));
        var third = await bed.Store.Management.CollectAsync(request with { After = second.Last }, Cancel);
        Assert.Equal((1, null), (third.Deleted, third.Last));
        await CommitAsync(bed.Store, A.Outcome(parent));
        Assert.Equal(4, await CollectAsync(bed, scope.Policy));
    }

    [Fact]
    public async Task What_is_to_be_left_alone_stays_and_the_first_of_the_others_is_found()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, 4);
        await RunningAsync(bed, "parent");
        await bed.ExecuteAsync("UPDATE workflow_status SET parent_workflow_id = 'parent' WHERE workflow_uuid = 'w01'");
        var scope = new RetentionScope(new() { KeepNewest = 0 }, A.Application);
        var bound = (await bed.Store.Management.ReadRetentionBoundAsync(scope, Cancel))!.Value;
        var request = new RetentionRequest(scope, bound, null, 1) { LookedMax = 10 };

        Assert.Equal("w02", (await bed.Store.Management.FindFirstAsync(request, Cancel))!.Value.Id);
        request = request with { Except = ["w02", "unknown"], Limit = 10 };
        Assert.Equal("w03", (await bed.Store.Management.FindFirstAsync(request, Cancel))!.Value.Id);
        Assert.Equal((2, null), Deleted(await bed.Store.Management.CollectAsync(request, Cancel)));
        Assert.Equal("w01, w02", await ListAsync(bed, "w__"));
        Assert.Null(await bed.Store.Management.FindFirstAsync(request, Cancel));

        static (int, PageKey?) Deleted(RetentionBatch batch) => (batch.Deleted, batch.Last);
    }

    // However many have to stay, one statement looks at few.
    [Fact]
    public async Task A_batch_ends_where_it_has_looked_at_enough()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, 10);
        await RunningAsync(bed, "parent");
        await bed.ExecuteAsync("UPDATE workflow_status SET parent_workflow_id = 'parent' WHERE workflow_uuid < 'w07'");
        var scope = new RetentionScope(new() { KeepNewest = 0 }, A.Application);
        var bound = (await bed.Store.Management.ReadRetentionBoundAsync(scope, Cancel))!.Value;
        var batches = new List<string>();

        for (PageKey? after = null; batches.Count < 10;)
        {
            var batch = await bed.Store.Management.CollectAsync(new RetentionRequest(scope, bound, after, 1), Cancel);
            batches.Add($"{batch.Deleted} until {batch.Last?.Id ?? "the end"}");
            if (batch.Last is null)
            {
                break;
            }

            after = batch.Last;
        }

        Assert.Equal(["0 until w04", "1 until w07", "1 until w08", "1 until w09", "1 until w10", "0 until the end"], batches);
    }

    private static async Task<long> CollectAsync(StoreBed bed, RetentionPolicy policy, string? application = A.Application) =>
        (await new GarbageCollector(bed.Store.Management, NullLogger.Instance).CollectAsync(
            new RetentionScope(policy, application), Cancel)).Deleted;

    // One ends each second, and has one step.
    private static async Task EndedAsync(StoreBed bed, int count)
    {
        for (var i = 1; i <= count; i++)
        {
            var owner = await RunningAsync(bed, $"w{i:00}");
            await CommitAsync(bed.Store, A.Checkpoints(owner, 0));
            await CommitAsync(bed.Store, A.Outcome(owner));
            bed.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private static async Task<string> ListAsync(StoreBed bed, string pattern) => string.Join(
        ", ",
        (await bed.QueryAsync($"SELECT workflow_uuid AS v FROM workflow_status WHERE workflow_uuid LIKE '{pattern}' ORDER BY 1"))
        .Select(row => row["v"]));
}
