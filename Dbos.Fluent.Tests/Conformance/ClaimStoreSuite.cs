using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Taking enqueued workflows: which, in what order, and what a claim does to them.</summary>
public abstract class ClaimStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Lower_priority_numbers_come_first_and_then_older_workflows()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(
            bed,
            A.Enqueued("late") with { Priority = 5 },
            A.Enqueued("second"),
            A.Enqueued("third"),
            A.Enqueued("first") with { Priority = -1 });

        Assert.Equal(["first", "second", "third", "late"], await ClaimIdsAsync(bed.Store, A.Claim("token")));
    }

    [Fact]
    public async Task No_more_are_taken_than_asked_for()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"), A.Enqueued("c"));

        Assert.Equal(["a", "b"], await ClaimIdsAsync(bed.Store, A.Claim("one", limit: 2)));
        Assert.Equal(["c"], await ClaimIdsAsync(bed.Store, A.Claim("two", limit: 2)));
        Assert.Empty(await ClaimIdsAsync(bed.Store, A.Claim("three", limit: 2)));
    }

    [Fact]
    public async Task Claimed_row_belongs_to_the_executor_and_its_token()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with
        {
            ApplicationName = null,
            ApplicationVersion = null,
            DeduplicationId = "only one",
            PartitionKey = "north",
            TimeoutMs = 60_000,
        });
        bed.Time.Advance(TimeSpan.FromSeconds(9));

        await ClaimOneAsync(bed.Store, A.Claim("token") with { ExecutorId = "executor-2" });

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "PENDING"),
            ("owner_xid", "token"),
            ("creator_xid", "creator of w"),
            ("executor_id", "executor-2"),
            ("application_name", A.Application),
            ("application_version", A.Version),
            ("queue_name", A.Queue),
            ("queue_partition_key", "north"),
            ("deduplication_id", "only one"),
            ("recovery_attempts", 1),
            ("workflow_timeout_ms", 60_000),
            ("workflow_deadline_epoch_ms", bed.Time.NowMs + 60_000),
            ("started_at_epoch_ms", bed.Time.NowMs),
            ("updated_at", bed.Time.NowMs),
            ("completed_at", null));
    }

    [Fact]
    public async Task Claim_tells_its_owner_what_to_run()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { ParentId = "parent", TimeoutMs = 60_000 });

        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.Equal("w", claimed.Id);
        Assert.Equal(A.Name, claimed.Name);
        Assert.Equal("token", claimed.Token);
        Assert.Equal(new Payload("input of w", A.Native), claimed.Input);
        Assert.Equal(1, claimed.Attempt);
        Assert.Equal(A.Queue, claimed.Queue);
        Assert.Equal("parent", claimed.ParentId);
        Assert.Equal(bed.Time.NowMs + 60_000, claimed.DeadlineMs);
    }

    [Fact]
    public async Task Claimed_row_is_written_with_the_claims_token_and_no_other()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));

        await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.Equal(
            [CommitStatus.NotOwned, CommitStatus.Written],
            await StatusesAsync(bed.Store, A.Checkpoints(new("w", "creator of w"), 0), A.Checkpoints(new("w", "token"), 1)));
    }

    [Fact]
    public async Task Deadline_that_is_set_stands()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { TimeoutMs = 60_000, DeadlineMs = bed.Time.NowMs + 1_000_000 });
        var deadline = (await bed.RowAsync("w"))["workflow_deadline_epoch_ms"];

        Assert.Equal(deadline, (await ClaimOneAsync(bed.Store, A.Claim("token"))).DeadlineMs);
        HasColumns(await bed.RowAsync("w"), ("workflow_deadline_epoch_ms", deadline));
    }

    [Fact]
    public async Task Workflow_without_a_timeout_gets_no_deadline()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));

        Assert.Null((await ClaimOneAsync(bed.Store, A.Claim("token"))).DeadlineMs);
    }

    [Fact]
    public async Task Input_of_an_old_row_is_found_in_the_row_itself()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        await bed.ExecuteAsync("DELETE FROM workflow_input");
        await bed.ExecuteAsync("UPDATE workflow_status SET inputs = 'legacy input', serialization = NULL");

        Assert.Equal(new Payload("legacy input", null), (await ClaimOneAsync(bed.Store, A.Claim("token"))).Input);
    }

    [Fact]
    public async Task Only_workflows_asked_for_by_name_are_taken()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a") with { Name = "unknown here" }, A.Enqueued("b"), A.Enqueued("c") with { Name = "refund" });

        Assert.Equal(["b", "c"], await ClaimIdsAsync(bed.Store, A.Claim("token") with { WorkflowNames = [A.Name, "refund"] }));
        Assert.Empty(await ClaimIdsAsync(bed.Store, A.Claim("token 2") with { WorkflowNames = [] }));
        HasColumns(await bed.RowAsync("a"), ("status", "ENQUEUED"), ("recovery_attempts", 0));
    }

    [Fact]
    public async Task Workflows_of_other_applications_are_left_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("theirs") with { ApplicationName = A.OtherApplication }, A.Enqueued("ours"));

        Assert.Equal(["ours"], await ClaimIdsAsync(bed.Store, A.Claim("token")));
        Assert.Equal(["theirs"], await ClaimIdsAsync(bed.Store, A.Claim("token 2") with { ApplicationName = A.OtherApplication }));
    }

    [Fact]
    public async Task Workflows_of_other_versions_are_left_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("theirs") with { ApplicationVersion = "v2" }, A.Enqueued("ours"));

        Assert.Equal(["ours"], await ClaimIdsAsync(bed.Store, A.Claim("token")));
    }

    [Fact]
    public async Task Workflow_without_a_version_is_for_the_latest_one_registered()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("open") with { ApplicationVersion = null });
        await bed.Store.Executors.RegisterAsync(A.Executor("old"), Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await bed.Store.Executors.RegisterAsync(A.Executor("new") with { ApplicationVersion = "v2" }, Cancel);

        Assert.Empty(await ClaimIdsAsync(bed.Store, A.Claim("token")));
        Assert.Equal(["open"], await ClaimIdsAsync(bed.Store, A.Claim("token 2") with { ApplicationVersion = "v2" }));
    }

    [Fact]
    public async Task Delayed_running_and_ended_workflows_are_not_taken()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("delayed") with { State = WorkflowState.Delayed, DelayMs = 3_600_000 }, A.Enqueued("cancelled"));
        await RunningAsync(bed, "running");
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "ended")));
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);

        Assert.Empty(await ClaimIdsAsync(bed.Store, A.Claim("token")));
    }

    [Fact]
    public async Task Spent_workflow_becomes_a_dead_letter()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("spent") with { DeduplicationId = "only one" }, A.Enqueued("fresh"));
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 3, started_at_epoch_ms = 5 WHERE workflow_uuid = 'spent'");
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 2 WHERE workflow_uuid = 'fresh'");

        var result = await bed.Store.Claims.ClaimAsync(A.Claim("token") with { RecoveryAttemptsMax = 2 }, Cancel);

        Assert.Equal(["spent"], result.DeadLettered);
        Assert.Equal(3, Assert.Single(result.Claimed).Attempt);
        HasColumns(
            await bed.RowAsync("spent"),
            ("status", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"),
            ("recovery_attempts", 4),
            ("queue_name", null),
            ("owner_xid", null),
            ("started_at_epoch_ms", null),
            ("deduplication_id", null),
            ("completed_at", bed.Time.NowMs),
            ("updated_at", bed.Time.NowMs));
    }

    [Fact]
    public async Task Dead_letters_count_towards_the_limit()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"), A.Enqueued("c"));
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 9 WHERE workflow_uuid IN ('a', 'b')");

        var first = await bed.Store.Claims.ClaimAsync(A.Claim("token", limit: 2) with { RecoveryAttemptsMax = 3 }, Cancel);
        var second = await bed.Store.Claims.ClaimAsync(A.Claim("token 2", limit: 2) with { RecoveryAttemptsMax = 3 }, Cancel);

        Assert.Equal(["a", "b"], first.DeadLettered.Order());
        Assert.Empty(first.Claimed);
        Assert.Equal("c", Assert.Single(second.Claimed).Id);
    }

    [Fact]
    public async Task Without_a_maximum_no_workflow_is_ever_spent()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 100000");

        Assert.Equal(100_001, (await ClaimOneAsync(bed.Store, A.Claim("token"))).Attempt);
    }

    [Fact]
    public async Task Repeated_claim_gives_back_what_the_lost_answer_held()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"), A.Enqueued("c") with { TimeoutMs = 5_000 });
        var lost = await bed.Store.Claims.ClaimAsync(A.Claim("token", limit: 2), Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        var repeated = await bed.Store.Claims.ClaimAsync(A.Claim("token", limit: 2) with { Repeated = true }, Cancel);

        Assert.Equal(lost.Claimed.Select(work => work with { NeverRan = false }), repeated.Claimed.Take(2));
        Assert.True(repeated.Claimed.Count <= 2);
        HasColumns(await bed.RowAsync("a"), ("recovery_attempts", 1));
    }

    [Fact]
    public async Task Only_what_no_executor_ever_had_is_said_to_have_never_run()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("first"), A.Enqueued("fork"), A.Enqueued("handed on"));
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'gone' WHERE workflow_uuid = 'fork'");
        await bed.ExecuteAsync("UPDATE workflow_status SET executor_id = 'x', recovery_attempts = 0 WHERE workflow_uuid = 'handed on'");

        var claimed = (await bed.Store.Claims.ClaimAsync(A.Claim("token"), Cancel)).Claimed;

        Assert.Equal(
            ["first: True", "fork: False", "handed on: False"],
            claimed.Select(work => $"{work.Id}: {work.NeverRan}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Repeated_claim_that_had_taken_nothing_takes_what_is_there()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a"));

        Assert.Equal(["a"], await ClaimIdsAsync(bed.Store, A.Claim("token") with { Repeated = true }));
    }

    [Fact]
    public async Task Repeated_claim_does_not_give_back_what_was_taken_away_since()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("kept"), A.Enqueued("cancelled"));
        await bed.Store.Claims.ClaimAsync(A.Claim("token"), Cancel);
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);

        Assert.Equal(["kept"], await ClaimIdsAsync(bed.Store, A.Claim("token") with { Repeated = true }));
    }

    [Fact]
    public async Task Histories_of_claimed_workflows_are_read_together_and_in_order()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Checkpoints(await RunningAsync(bed, "a"), 2, 0, 10, 1));
        await CommitAsync(bed.Store, A.Checkpoints(await RunningAsync(bed, "b"), 0));
        await CommitAsync(bed.Store, A.Checkpoints(await RunningAsync(bed, "not asked for"), 0));
        await RunningAsync(bed, "empty");

        var histories = await bed.Store.Claims.ReadHistoriesAsync(["a", "b", "empty"], Cancel);

        Assert.Equal([0, 1, 2, 10], histories["a"].Select(checkpoint => checkpoint.Sequence));
        Assert.Equal(A.Checkpoint(0), Assert.Single(histories["b"]));
        Assert.DoesNotContain("not asked for", histories.Keys);
        Assert.Empty(histories.GetValueOrDefault("empty") ?? StoredHistory.Empty);
    }
}
