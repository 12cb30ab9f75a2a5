using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Workflows;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>A failure of one process, seen by another. Scenario SZ-02.</summary>
public abstract class ProcessFailureSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    [Fact]
    public async Task A_failure_is_seen_by_another_process_with_its_attempts_bases_and_inner_failures()
    {
        var worker = StartRun(FailingWorkflow.Definition, 1, hold: []);
        await worker.ReachedAsync("started");
        var engine = await LaunchSuccessorAsync();

        var awaited = await Assert.ThrowsAsync<WorkflowFailedException>(() => engine.ResultAsync<string>("w1"));

        Assert.Null(awaited.InnerException);
        Assert.Equal(typeof(MaxStepRetriesExceededException).FullName, awaited.Failure.TypeName);
        Assert.Equal(
            ["Nothing was picked from shelf 1.", "Nothing was picked from shelf 2."],
            awaited.Failure.Inner.Select(attempt => attempt.Message));
        Assert.All(awaited.Failure.Inner, attempt => Assert.EndsWith("WarehouseException", attempt.TypeName));
        Assert.All(awaited.Failure.Inner, attempt => Assert.Contains(nameof(FailingWorkflow), attempt.StackTrace));
        Assert.True(awaited.Failure.Is<TimeoutException>());
        Assert.False(awaited.Failure.Is<StepTimeoutException>());
    }
}
