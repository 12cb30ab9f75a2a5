using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>
/// A write takes effect, its answer is lost, and before it is repeated somebody acts on what it was about: the repeat tells what has become
/// of the write, and nothing is done for a second time or reported as undone.
/// </summary>
public abstract class RepeatedWriteSuite(IDatabaseFixture fixture) : FaultSuite(fixture)
{
    [Fact]
    public async Task A_message_that_was_sent_stays_sent_where_its_destination_is_gone_by_then()
    {
        var idle = Workflow.Define<int, int>("idle").Return(x => x.Input);
        var sender = Workflow.Define<int, int>("sender").Send(_ => "D", _ => "hello").Return(x => x.Input);
        var engine = await LaunchAsync(
            call => call.Batch.Any(unit => unit is SendUnit { Owner: not null }),
            () => Database.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'D'"),
            idle,
            sender);
        await (await engine.StartAsync(idle, 1, new() { Id = "D" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);

        var handle = await engine.StartAsync(sender, 7, new() { Id = "S" }, Cancel);

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Null(Assert.Single((await engine.GetHistoryAsync("S", Cancel)).Checkpoints).Error);
    }

    [Fact]
    public async Task A_run_that_has_lost_its_row_stops_behind_the_checkpoint_that_it_still_wrote()
    {
        var engine = await LaunchAsync(
            call => call.Subjects.Contains("checkpoint 0"),
            () => Database.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED', owner_xid = NULL WHERE workflow_uuid = 'w0'"),
            Workflows.Chain);

        var handle = await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel);
        await Assert.ThrowsAnyAsync<DbosException>(() => handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        await engine.StopAsync(TimeSpan.FromSeconds(1), Cancel).Within(Bounded.Limit);

        Assert.Equal((1, 0), (Ledger.Count("w0", "0"), Ledger.Count("w0", "1")));
    }

    [Fact]
    public async Task A_fork_that_was_made_stays_made_where_its_source_is_gone_by_then()
    {
        var engine = await LaunchAsync(
            call => call.Kind == StoreCallKind.Fork,
            () => Database.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'w0'"),
            Workflows.Chain);
        await (await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);

        await engine.ForkAsync("w0", 2, new() { Id = "fork" }, Cancel).Within(Bounded.Limit);

        Assert.Equal(2, await engine.Retrieve<int>("fork").GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(1, await Database.WorkflowsAsync());
    }

    // With a covering look once an hour: only what the cancel tells wakes whoever waits.
    [Fact]
    public async Task A_cancel_whose_answer_was_lost_is_told_to_those_who_wait()
    {
        var lost = new NthFault(StoreCallKind.Cancel, number: 1, afterEffect: true);
        var engine = await LaunchFaultyAsync(lost, options => options.PollInterval = TimeSpan.FromHours(1));
        await using var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.ApplicationName = "tests";
            },
            Cancel);
        await engine.StartAsync(Workflows.Receiving, 0, new() { Id = "w0" }, Cancel);
        var waiting = engine.Retrieve<string>("w0").GetResultAsync(Cancel);

        await engine.CancelAsync("w0", cancellationToken: Cancel).Within(Bounded.Limit);

        await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(() => waiting.Within(Bounded.Limit));
        Assert.Equal(1, lost.Failed);
    }

    // The first answer of the kind is lost, and what happens then happens before the next try.
    private Task<WorkflowEngine> LaunchAsync(Func<StoreCall, bool> which, Func<Task> then, params WorkflowDefinition[] definitions)
    {
        var lost = 0;
        var faults = new CallFaults
        {
            After = async (call, _) =>
            {
                if (which(call) && Interlocked.Exchange(ref lost, 1) == 0)
                {
                    await then();
                    throw CallFaults.Unavailable("The answer was lost.");
                }
            },
        };
        return LaunchFaultyAsync(faults, options => options.Add([.. definitions.Except(Workflows.All)]));
    }
}
