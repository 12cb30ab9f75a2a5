using System.Text;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// Everything that manages workflows, called by a step through its context, by the engine, and by a client. Scenarios CR, FK, LS.
/// </summary>
public abstract class StepManagementSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Probe gate = new();
    private readonly Counts counts = new();
    private readonly StringBuilder told = new();

    [Theory]
    [InlineData("engine")]
    [InlineData("client")]
    [InlineData("step")]
    public async Task Whoever_manages_workflows_manages_them_alike(string who)
    {
        var target = Workflow.Define<int, string>("target")
            .Step("first", _ => Task.FromResult(counts.Add("first")))
            .Step("gate", async x =>
            {
                if (x.Input == 0)
                {
                    await gate.PassAsync(x.CancellationToken);
                }
            })
            .Return(x => $"{x.Input}");
        WorkflowClient? manager = null;
        var managing = Workflow.Define<Unit, string>("managing")
            .Step("manage", x => ManageAsync(x.Step.Workflows, target)).As(out var text)
            .Return(x => x.Get(text));
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), target, managing);
        await engine.RunAsync(target, 1, "done");
        await engine.BeginAsync(target, 0, "held");
        await gate.ReachedAsync();
        await engine.Queues.PauseAsync("line", Cancel);
        if (who == "client")
        {
            manager = await WorkflowClient.ConnectAsync(
                options =>
                {
                    Database.Use(options);
                    options.ApplicationName = "tests";
                },
                Cancel);
        }

        await using var _ = manager;
        var seen = who == "step" ? await engine.RunAsync(managing, default, "M") : await ManageAsync(manager ?? engine, target);

        Assert.Equal(
            "held running; held Cancelled; no one; held Success first gate; "
            + "f0 Success 1; f1 Success 1; f2 Success 1; none waits; "
            + "waiting True 7 Enqueued queue-paused; delayed True Delayed delayed; gone",
            seen);
        Assert.Equal(who == "step" ? "0 manage" : "", who == "step" ? await engine.StepsAsync("M") : "");
        Assert.Equal(4, counts["first"]);
    }

    private async Task<string> ManageAsync(WorkflowClient workflows, WorkflowDefinition<int, string> target)
    {
        told.Clear();
        await EndAsync(workflows);
        await ForkAsync(workflows);
        await ChangeAsync(workflows, target);
        return told.ToString();
    }

    private async Task EndAsync(WorkflowClient workflows)
    {
        told.Append("held ").Append((await workflows.ExplainAsync("held", Cancel)).Reason);
        await workflows.CancelAsync(["held", "done", "nobody"], cancellationToken: Cancel);
        told.Append("; held ").Append(await workflows.StateOfAsync("held"));
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => workflows.ResumeAsync(["held", "nobody"], cancellationToken: Cancel));
        told.Append("; no one");
        gate.Open();
        await workflows.ResumeAsync("held", cancellationToken: Cancel);
        Assert.Equal("0", await workflows.ResultAsync<string>("held"));
        var held = await workflows.GetHistoryAsync("held", Cancel);
        told.Append("; held ").Append(held.Status.State).Append(' ').AppendJoin(' ', held.Checkpoints.Select(step => step.Name));
    }

    private async Task ForkAsync(WorkflowClient workflows)
    {
        await workflows.ForkAsync("done", 0, new() { Id = "f0", Timeout = TimeSpan.FromHours(1) }, Cancel);
        await workflows.ForkFromStepAsync("done", "first", new() { Id = "f1" }, Cancel);
        await workflows.ForkFromFailureAsync("done", new() { Id = "f2" }, Cancel);
        foreach (var fork in new[] { "f0", "f1", "f2" })
        {
            var result = await workflows.ResultAsync<string>(fork);
            var status = (await workflows.GetStatusAsync(fork, Cancel))!;
            Assert.Equal(("done", fork == "f0"), (status.ForkedFrom, status.Deadline is not null));
            told.Append("; ").Append(fork).Append(' ').Append(status.State).Append(' ').Append(result);
        }

        var waiting = await workflows.CountAsync(
            new() { States = [WorkflowState.Enqueued, WorkflowState.Delayed] }, CountBy.Queue, Cancel);
        told.Append(waiting.Count == 0 ? "; none waits" : "; some wait");
    }

    private async Task ChangeAsync(WorkflowClient workflows, WorkflowDefinition<int, string> target)
    {
        await workflows.StartAsync(target, 3, new() { Id = "waiting", Queue = "line", Priority = 1 }, Cancel);
        told.Append("; waiting ").Append(await workflows.SetPriorityAsync("waiting", 7, Cancel));
        var waiting = (await workflows.GetStatusAsync("waiting", Cancel))!;
        told.Append(' ').Append(waiting.Priority).Append(' ').Append(waiting.State);
        told.Append(' ').Append((await workflows.ExplainAsync("waiting", Cancel)).Reason);
        await workflows.StartAsync(target, 4, new() { Id = "delayed", Queue = "line", Delay = TimeSpan.FromDays(1) }, Cancel);
        told.Append("; delayed ").Append(await workflows.SetDelayAsync("delayed", TimeSpan.FromDays(2), Cancel));
        told.Append(' ').Append(await workflows.StateOfAsync("delayed"));
        told.Append(' ').Append((await workflows.ExplainAsync("delayed", Cancel)).Reason);
        await workflows.DeleteAsync(["waiting", "delayed", "nobody"], cancellationToken: Cancel);
        Assert.Null(await workflows.GetStatusAsync("waiting", Cancel));
        told.Append("; gone");
    }
}
