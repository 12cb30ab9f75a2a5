using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>What happens to a workflow elsewhere is told to its step in the process that runs it, with the reason.</summary>
public abstract class ToldSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    [Theory]
    [InlineData(CancellationReason.Cancelled)]
    [InlineData(CancellationReason.DeadlineExceeded)]
    [InlineData(CancellationReason.Shutdown)]
    public async Task A_step_in_another_process_is_told_why_it_is_to_stop(CancellationReason reason)
    {
        var worker = StartWorker("serve", []);
        await worker.ReachedAsync("launched");
        await using (var client = await ConnectAsync())
        {
            await client.BeginAsync(Workflows.Told, 0, "w1");
        }

        await worker.ReachedAsync("inside told");
        var engine = await LaunchSuccessorAsync();

        await (reason switch
        {
            CancellationReason.Cancelled => engine.CancelAsync("w1", cancellationToken: Cancel),
            CancellationReason.DeadlineExceeded => Database.ExecuteAsync("UPDATE workflow_status SET workflow_deadline_epoch_ms = 1"),
            _ => Database.ExecuteAsync("UPDATE workflow_status SET owner_xid = 'another', executor_id = 'another'"),
        });

        await worker.ReachedAsync($"told {reason}");
        Assert.Equal(
            reason == CancellationReason.Shutdown ? "PENDING" : "CANCELLED",
            await Database.ScalarAsync("SELECT status FROM workflow_status"));
        Assert.Empty(await CheckpointsAsync("w1"));
    }

    private Task<WorkflowClient> ConnectAsync() => WorkflowClient.ConnectAsync(
        options =>
        {
            Database.Use(options);
            options.ApplicationName = "tests";
        },
        Cancel).Within(Bounded.Limit);
}
