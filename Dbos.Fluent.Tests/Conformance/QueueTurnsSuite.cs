using System.Collections.Concurrent;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The order of a queue that two engines serve, of which neither takes two in a row. Scenario QP-01.</summary>
public abstract class QueueTurnsSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowQueue Line = new("line") { Concurrency = 1 };

    private readonly ConcurrentQueue<string> order = new();
    private readonly Lock gate = new();
    private string last = "";
    private TaskCompletionSource taken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Lower_numbers_go_first_then_age_then_the_id_whoever_takes_them()
    {
        var workflow = Workflow.Define<string>("noted").Step("note", x => Task.Run(() => order.Enqueue(x.Input))).End();
        var one = await LaunchTakingTurnsAsync("executor-1", workflow);
        await LaunchTakingTurnsAsync("executor-2", workflow);
        await one.Queues.PauseAsync("line", Cancel);
        foreach (var (number, priority) in new[] { 0, 1, 2, 3, 4, 5, 0, 0 }.Index())
        {
            await one.StartAsync(workflow, $"{number}", new() { Queue = Line, Priority = priority }, Cancel);
        }

        // These are of one moment, and came in another order than that of their ids.
        foreach (var id in new[] { "d", "b", "e", "a", "c" })
        {
            await one.StartAsync(workflow, id, new() { Id = id, Queue = Line, Priority = 9 }, Cancel);
        }

        await Database.ExecuteAsync("UPDATE workflow_status SET created_at = 1 WHERE priority = 9");
        await one.Queues.ResumeAsync("line", Cancel);

        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "everything ends");
        Assert.Equal(["0", "6", "7", "1", "2", "3", "4", "5", "a", "b", "c", "d", "e"], order);
        Assert.Equal(
            [["executor-1"], ["executor-2"]], await Database.QueryAsync("SELECT DISTINCT executor_id FROM workflow_status ORDER BY 1"));
    }

    private Task<WorkflowEngine> LaunchTakingTurnsAsync(string executor, WorkflowDefinition workflow)
    {
        var faults = new CallFaults
        {
            Before = (call, token) =>
                call.Kind == StoreCallKind.ClaimLimited && IsLast(executor, out var other) ? other.WaitAsync(token) : Task.CompletedTask,
            After = (call, _) =>
            {
                if (call.Kind == StoreCallKind.ClaimLimited && call.Claimed.Count > 0)
                {
                    Took(executor);
                }

                return Task.CompletedTask;
            },
        };
        return LaunchAsync(
            options =>
            {
                options.ExecutorId = executor;
                options.WrapStore = store => new FaultingStore(store, faults);
                options.Add(Line);
            },
            workflow);
    }

    private bool IsLast(string executor, out Task other)
    {
        lock (gate)
        {
            other = taken.Task;
            return last == executor;
        }
    }

    private void Took(string executor)
    {
        lock (gate)
        {
            last = executor;
            taken.SetResult();
            taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
