using System.Collections.Concurrent;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A cancel in one process wakes the process that runs the workflow.</summary>
public sealed class PostgresCancelWakeupTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private const int Cancels = 40;

    // The sweep of each second finds each as well, and would take a second for each.
    private static readonly TimeSpan BySignals = TimeSpan.FromSeconds(Cancels / 2);

    [Fact]
    public async Task Cancels_one_after_the_other_are_told_to_running_steps_by_signals()
    {
        var everybody = new Meeting(Cancels);
        var told = new ConcurrentDictionary<string, TaskCompletionSource<CancellationReason>>(
            Enumerable.Range(0, Cancels).Select(i => KeyValuePair.Create($"w{i}", new TaskCompletionSource<CancellationReason>())));
        var workflow = Workflow.Define<Unit>("held").Step("held", async x =>
        {
            using var registration = x.CancellationToken.Register(() => told[x.Step.WorkflowId].TrySetResult(x.Step.CancellationReason));
            everybody.Arrive();
            await told[x.Step.WorkflowId].Task;
        }).End();
        var engine = await LaunchAsync(workflow);
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2");
        foreach (var id in told.Keys)
        {
            await engine.BeginAsync(workflow, default, id);
        }

        await everybody.AllAreHere.Within(Bounded.Limit);

        var reasons = await CancelAllAsync().Within(BySignals);

        Assert.All(reasons, reason => Assert.Equal(CancellationReason.Cancelled, reason));

        async Task<List<CancellationReason>> CancelAllAsync()
        {
            var all = new List<CancellationReason>();
            foreach (var (id, reason) in told)
            {
                await other.CancelAsync(id, cancellationToken: Cancel);
                all.Add(await reason.Task);
            }

            return all;
        }
    }
}
