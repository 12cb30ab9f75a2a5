using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteFileExecutorTests : SqliteFileTest
{
    private static HandOnRequest Request { get; } = new()
    {
        ApplicationName = "shop",
        WorkflowNames = ["checkout"],
        ExecutorIds = ["executor-1"],
        Limit = 100,
    };

    [Fact]
    public async Task An_executor_with_a_lease_keeps_another_incarnation_out()
    {
        var first = await Store.Executors.RegisterAsync(Executor(), Cancel);
        var second = await Store.Executors.RegisterAsync(Executor("second"), Cancel);

        Assert.True(first.Registered);
        Assert.Equal(first.NowMs + 60_000, first.ExpiresAtMs);
        Assert.Equal((false, first.ExpiresAtMs, "first"), (second.Registered, second.ExpiresAtMs, second.Holder?.Incarnation));
        Assert.Equal(new HostProcess("machine", "boot", "namespace", 42, 4242), second.Holder?.Host);
    }

    [Fact]
    public async Task The_same_incarnation_may_register_again()
    {
        await Store.Executors.RegisterAsync(Executor(), Cancel);

        Assert.True((await Store.Executors.RegisterAsync(Executor(), Cancel)).Registered);
    }

    [Fact]
    public async Task A_lease_that_was_ended_makes_room_and_its_holder_cannot_renew_it_then()
    {
        await Store.Executors.RegisterAsync(Executor(), Cancel);
        await Store.Executors.ExpireAsync("executor-1", "first", Cancel);

        var second = await Store.Executors.RegisterAsync(Executor("second"), Cancel);
        var renewed = await Store.Executors.RenewAsync("executor-1", "first", TimeSpan.FromSeconds(60), Cancel);

        Assert.True(second.Registered);
        Assert.Equal((false, "second"), (renewed.Registered, renewed.Holder?.Incarnation));
    }

    [Fact]
    public async Task A_lease_that_has_run_out_can_be_made_whole_while_nobody_else_took_the_id()
    {
        await Store.Executors.RegisterAsync(Executor(leaseSeconds: 0), Cancel);
        var before = Assert.Single(await Store.Executors.ReadAsync("shop", Cancel));

        var renewed = await Store.Executors.RenewAsync("executor-1", "first", TimeSpan.FromSeconds(60), Cancel);

        Assert.False(before.Alive);
        Assert.True(renewed.Registered);
        Assert.True(Assert.Single(await Store.Executors.ReadAsync("shop", Cancel)).Alive);
    }

    [Fact]
    public async Task Another_incarnations_lease_is_not_ended_by_mistake()
    {
        await Store.Executors.RegisterAsync(Executor(), Cancel);

        await Store.Executors.ExpireAsync("executor-1", "an earlier one", Cancel);

        Assert.True(Assert.Single(await Store.Executors.ReadAsync("shop", Cancel)).Alive);
        Assert.Empty(await Store.Executors.ReadAsync("bank", Cancel));
    }

    [Fact]
    public async Task Stopping_hands_on_what_is_unfinished_without_counting_an_attempt()
    {
        await Store.Executors.RegisterAsync(Executor(), Cancel);
        await StartAsync(Direct("a"), Direct("done"), Direct("foreign") with { ExecutorId = "executor-2" }, Enqueued("queued"));
        await CommitAsync(Success("done"));
        await Store.Claims.ClaimAsync(Claim(), Cancel);

        Assert.Equal(0, await Store.Executors.StopAsync("executor-1", "an earlier one", Cancel));
        Assert.Equal(2, await Store.Executors.StopAsync("executor-1", "first", Cancel));
        Assert.Equal(0, await Store.Executors.StopAsync("executor-1", "first", Cancel));

        var row = await ReadAsync("a");
        Assert.Equal((WorkflowState.Enqueued, null, 0), (row.Status.State, await ReadOwnerAsync("a"), row.Status.RecoveryAttempts));
        Assert.Equal(("_dbos_internal_queue", "executor-1"), (row.Status.Queue, row.Status.ExecutorId));
        var queued = await ReadAsync("queued");
        Assert.Equal(("orders", 0), (queued.Status.Queue, queued.Status.RecoveryAttempts));
        Assert.NotNull(queued.Status.StartedAt);
        Assert.Equal(WorkflowState.Pending, (await ReadAsync("foreign")).Status.State);
        Assert.True(Assert.Single(await Store.Executors.ReadAsync("shop", Cancel)) is { Stopped: true, Alive: false });
    }

    [Fact]
    public async Task Handing_on_takes_only_the_named_executors_rows_that_the_caller_is_not_running()
    {
        await StartAsync(
            Direct("a"),
            Direct("mine"),
            Direct("name", "refund"),
            Direct("application") with { ApplicationName = "bank" },
            Direct("executor") with { ExecutorId = "executor-2" },
            Direct("done"));
        await CommitAsync(Success("done"));

        var handedOn = await Store.Executors.HandOnAsync(Request with { Except = new([], [new("mine", "token-mine")]) }, Cancel);

        Assert.Equal(["a"], handedOn);
        var row = await ReadAsync("a");
        Assert.Equal((WorkflowState.Enqueued, null, 1), (row.Status.State, await ReadOwnerAsync("a"), row.Status.RecoveryAttempts));
        Assert.Equal([CommitStatus.NotOwned], await CommitAsync(Checkpoint("a", 0)));
        Assert.Equal([CommitStatus.Written], await CommitAsync(Checkpoint("mine", 0)));
    }

    [Fact]
    public async Task Orphans_are_handed_on_once_they_have_not_moved_for_the_time_given()
    {
        await Store.Executors.RegisterAsync(Executor(), Cancel);
        await Store.Executors.RegisterAsync(Executor(id: "dead", leaseSeconds: 0), Cancel);
        await StartAsync(
            Direct("alive"), Direct("dead") with { ExecutorId = "dead" }, Direct("unknown") with { ExecutorId = "never registered" });

        var others = Request with { ExecutorIds = [] };

        var early = await Store.Executors.HandOnOrphansAsync(others, TimeSpan.FromSeconds(15), Cancel);
        Time.Advance(TimeSpan.FromSeconds(15));
        var later = await Store.Executors.HandOnOrphansAsync(others, TimeSpan.FromSeconds(15), Cancel);
        var running = await Store.Executors.HandOnOrphansAsync(
            Request with { Except = new([], [new("alive", "token-alive")]) }, TimeSpan.FromSeconds(15), Cancel);
        var own = await Store.Executors.HandOnOrphansAsync(Request, TimeSpan.FromSeconds(15), Cancel);

        Assert.Empty(early);
        Assert.Equal(["dead", "unknown"], later.Order());
        Assert.Empty(running);
        Assert.Equal(["alive"], own);
    }
}
