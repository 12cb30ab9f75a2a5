using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteFileClaimTests : SqliteFileTest
{
    [Fact]
    public async Task A_claim_makes_the_row_the_claimers()
    {
        await StartAsync(Enqueued("a") with { TimeoutMs = 500, ApplicationName = null, ParentId = "p" });
        Time.Advance(TimeSpan.FromSeconds(1));

        var claimed = Assert.Single((await Store.Claims.ClaimAsync(Claim(), Cancel)).Claimed);

        Assert.Equal(("a", "checkout", "claim", 1), (claimed.Id, claimed.Name, claimed.Token, claimed.Attempt));
        Assert.Equal(("orders", "p", NowMs + 500), (claimed.Queue, claimed.ParentId, claimed.DeadlineMs));
        Assert.Equal("input of a", claimed.Input.Text);
        var row = await ReadAsync("a");
        Assert.Equal((WorkflowState.Pending, "claim", 1), (row.Status.State, await ReadOwnerAsync("a"), row.Status.RecoveryAttempts));
        Assert.Equal(("executor-1", "v1", "shop"), (row.Status.ExecutorId, row.Status.ApplicationVersion, row.Status.ApplicationName));
        Assert.Equal((Time.GetUtcNow(), Time.GetUtcNow()), (row.Status.StartedAt, row.Status.UpdatedAt));
    }

    [Fact]
    public async Task Claims_go_by_priority_then_age_and_stop_at_their_limit()
    {
        await StartAsync(Enqueued("late"));
        await Database.ExecuteAsync("UPDATE workflow_status SET created_at = created_at + 1");
        await StartAsync(Enqueued("b"), Enqueued("a"), Enqueued("urgent") with { Priority = -1 }, Enqueued("slow") with { Priority = 1 });

        var first = await Store.Claims.ClaimAsync(Claim() with { Limit = 4 }, Cancel);

        Assert.Equal(["urgent", "a", "b", "late"], first.Claimed.Select(workflow => workflow.Id));
        Assert.Equal(WorkflowState.Enqueued, (await ReadAsync("slow")).Status.State);
    }

    [Fact]
    public async Task Other_names_applications_and_states_are_left_alone()
    {
        await StartAsync(
            Enqueued("name", "refund"),
            Enqueued("application") with { ApplicationName = "bank" },
            Enqueued("version") with { ApplicationVersion = "v2" },
            Enqueued("delayed") with { State = WorkflowState.Delayed, DelayMs = 1 },
            Direct("running"));

        Assert.Empty((await Store.Claims.ClaimAsync(Claim(), Cancel)).Claimed);
    }

    [Fact]
    public async Task A_row_without_version_waits_for_the_latest_registered_one()
    {
        await Store.Executors.RegisterAsync(Executor(), Cancel);
        await Store.Executors.RegisterAsync(Executor(id: "executor-2") with { ApplicationVersion = "v2" }, Cancel);
        await Store.Executors.RegisterAsync(Executor("again", "executor-3"), Cancel);
        await StartAsync(Enqueued("a"));

        Assert.Empty((await Store.Claims.ClaimAsync(Claim(), Cancel)).Claimed);
        Assert.Single((await Store.Claims.ClaimAsync(Claim() with { ApplicationVersion = "v2" }, Cancel)).Claimed);
    }

    [Fact]
    public async Task A_version_that_an_older_SDK_registered_for_nobody_is_taken_over_with_its_age()
    {
        await Database.ExecuteAsync("INSERT INTO application_versions (version_id, version_name, version_timestamp) VALUES ('x', 'v1', 5)");

        await Store.Executors.RegisterAsync(Executor(), Cancel);

        var versions = await Database.QueryAsync("SELECT application_name, version_timestamp FROM application_versions");
        Assert.Equal(("shop", "5"), (Assert.Single(versions)[0], versions[0][1]));
    }

    [Fact]
    public async Task A_row_whose_attempts_are_spent_is_dead_lettered()
    {
        await StartAsync(Enqueued("a") with { DeduplicationId = "d" });
        await Database.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 3");

        var allowed = Claim() with { RecoveryAttemptsMax = 2 };
        var result = await Store.Claims.ClaimAsync(allowed, Cancel);

        Assert.Equal((0, "a"), (result.Claimed.Count, Assert.Single(result.DeadLettered)));
        var row = await ReadAsync("a");
        Assert.Equal((WorkflowState.MaxRecoveryAttemptsExceeded, 4), (row.Status.State, row.Status.RecoveryAttempts));
        Assert.Equal((null, null, null), (await ReadOwnerAsync("a"), row.Status.Queue, row.Status.DeduplicationId));
        Assert.Equal(Time.GetUtcNow(), row.Status.CompletedAt);
    }

    [Fact]
    public async Task The_last_allowed_recovery_is_run()
    {
        await StartAsync(Enqueued("a"));
        await Database.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 2");

        var claimed = Assert.Single((await Store.Claims.ClaimAsync(Claim() with { RecoveryAttemptsMax = 2 }, Cancel)).Claimed);

        Assert.Equal(3, claimed.Attempt);
    }

    [Fact]
    public async Task A_repeated_claim_first_gives_back_what_the_lost_answer_held()
    {
        await StartAsync(Enqueued("a"), Enqueued("b"), Enqueued("c"));
        var lost = (await Store.Claims.ClaimAsync(Claim() with { Limit = 1 }, Cancel)).Claimed;

        var repeated = (await Store.Claims.ClaimAsync(Claim() with { Limit = 2, Repeated = true }, Cancel)).Claimed;

        Assert.Equal(["a", "b"], repeated.Select(workflow => workflow.Id));
        Assert.Equal(lost[0] with { NeverRan = false }, repeated[0]);
    }

    [Fact]
    public async Task The_origin_of_an_enqueued_row_is_its_first_claim()
    {
        await StartAsync(Enqueued("a"));
        Time.Advance(TimeSpan.FromSeconds(1));
        var first = await ClaimOneAsync("first");
        Time.Advance(TimeSpan.FromSeconds(1));
        await HandOnAsync();

        var second = await ClaimOneAsync("second");

        Assert.Equal(first.Origin, second.Origin);
        Assert.Equal(NowMs - 1000, second.Origin.StartedAtMs);
        Assert.Equal(2, second.Attempt);
    }

    [Fact]
    public async Task The_origin_of_a_direct_start_follows_from_its_row_and_is_not_stored()
    {
        await StartAsync(Direct("a"));
        var origin = WorkflowOrigin.OfDirectStart("a", NowMs);
        Time.Advance(TimeSpan.FromSeconds(1));
        await HandOnAsync();

        Assert.Equal(origin, (await ClaimOneAsync()).Origin);
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM fluent_origins"));
    }

    [Fact]
    public async Task The_origin_of_a_direct_start_survives_draining_and_resuming()
    {
        await StartAsync(Direct("a"));
        var origin = WorkflowOrigin.OfDirectStart("a", NowMs);
        Time.Advance(TimeSpan.FromSeconds(1));
        await Store.Executors.RegisterAsync(Executor(), Cancel);
        await Store.Executors.StopAsync("executor-1", "first", Cancel);

        var drained = await ClaimOneAsync();

        Assert.Equal((origin, 1), (drained.Origin, drained.Attempt));
    }

    [Fact]
    public async Task A_fork_has_the_origin_of_what_it_was_forked_from()
    {
        await StartAsync(Enqueued("source"));
        var source = await ClaimOneAsync("source");
        await StartAsync(Enqueued("fork"), Enqueued("of a fork"), Direct("direct"), Enqueued("of a direct start"), Enqueued("of none"));
        await Database.ExecuteAsync("UPDATE workflow_status SET forked_from = 'source' WHERE workflow_uuid = 'fork'");
        await Database.ExecuteAsync("UPDATE workflow_status SET forked_from = 'fork' WHERE workflow_uuid = 'of a fork'");
        await Database.ExecuteAsync("UPDATE workflow_status SET forked_from = 'direct' WHERE workflow_uuid = 'of a direct start'");
        await Database.ExecuteAsync("UPDATE workflow_status SET forked_from = 'gone' WHERE workflow_uuid = 'of none'");
        var direct = WorkflowOrigin.OfDirectStart("direct", NowMs);
        Time.Advance(TimeSpan.FromSeconds(1));

        var origins = (await Store.Claims.ClaimAsync(Claim("forks"), Cancel)).Claimed.ToDictionary(one => one.Id, one => one.Origin);

        Assert.Equal((source.Origin, source.Origin, direct), (origins["fork"], origins["of a fork"], origins["of a direct start"]));
        Assert.Equal(NowMs, origins["of none"].StartedAtMs);
        Assert.Equal(5, await Database.CountAsync("SELECT count(*) FROM fluent_origins"));
    }

    private async Task<ClaimedWorkflow> ClaimOneAsync(string token = "claim") =>
        Assert.Single((await Store.Claims.ClaimAsync(Claim(token), Cancel)).Claimed);

    private Task<IReadOnlyList<string>> HandOnAsync() => Store.Executors.HandOnAsync(
        new HandOnRequest { ApplicationName = "shop", WorkflowNames = ["checkout"], ExecutorIds = ["executor-1"], Limit = 10 }, Cancel);
}
