namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows managed by a program that has no workflows itself. Scenarios CL, CR, FK, LS.</summary>
public abstract class ClientManagementSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();
    private readonly Probe gate = new();

    [Fact]
    public async Task A_client_cancels_resumes_rewinds_forks_and_lists_what_runs_elsewhere()
    {
        var fired = new TaskCompletionSource<CancellationReason>();
        var workflow = Workflow.Define<int, int>("counted")
            .Step("count", _ => Task.FromResult(counts.Add("count")))
            .Step("gate", async x =>
            {
                x.CancellationToken.Register(() => fired.TrySetResult(x.Step.CancellationReason));
                await gate.PassAsync(x.CancellationToken);
            })
            .Return(x => x.Input);
        await LaunchAsync(workflow);
        await using var client = await ConnectAsync();
        await client.StartAsync(workflow, 7, new() { Id = "A" }, Cancel);
        await gate.ReachedAsync();

        await client.CancelAsync("A", cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await fired.Task.Within(Bounded.Limit));
        Assert.Equal(WorkflowState.Cancelled, await client.StateOfAsync("A"));
        gate.Open();
        await client.ResumeAsync("A", cancellationToken: Cancel);
        Assert.Equal(7, await client.ResultAsync<int>("A"));
        Assert.Equal(1, counts["count"]);
        await client.RewindAsync("A", 0, Cancel);
        Assert.Equal(7, await client.ResultAsync<int>("A"));
        Assert.Equal(2, counts["count"]);
        var fork = await client.ForkFromStepAsync("A", "gate", cancellationToken: Cancel);
        Assert.Equal(7, await client.ResultAsync<int>(fork));

        Assert.Equal(2, counts["count"]);
        Assert.Equal("0 count, 1 gate", await client.StepsAsync(fork));
        List<string> forks = [];
        await foreach (var row in client.ListAsync(new() { ForkedFrom = "A" }, Cancel))
        {
            forks.Add(row.Id);
        }

        Assert.Equal([fork], forks);
        Assert.Equal([(WorkflowState.Success, 2L)], await StatesAsync(client));
        await client.DeleteAsync(["A", fork], cancellationToken: Cancel);
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Fact]
    public async Task A_client_changes_what_waits()
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), workflow);
        await using var client = await ConnectAsync();
        await client.StartAsync(workflow, 1, new() { Id = "A", Queue = "line", Delay = TimeSpan.FromDays(1), Priority = 4 }, Cancel);

        Assert.True(await client.SetPriorityAsync("A", 2, Cancel));
        await client.SetAttributesAsync("A", new Dictionary<string, object?> { ["k"] = "v" }, Cancel);
        var status = (await client.GetStatusAsync("A", Cancel))!;
        Assert.Equal((2, "v", WorkflowState.Delayed), (status.Priority, $"{status.Attributes!["k"]}", status.State));
        Assert.Equal("delayed", (await client.ExplainAsync("A", Cancel)).Reason);
        Assert.True(await client.SetDelayAsync("A", TimeSpan.FromMilliseconds(1), Cancel));

        Assert.Equal(1, await client.ResultAsync<int>("A"));
        Assert.Equal(1, await (await client.Debounce(workflow).CallAsync("key", TimeSpan.FromMilliseconds(1), 1, cancellationToken: Cancel))
            .ResultAsync());
    }

    private static async Task<List<(WorkflowState, long)>> StatesAsync(WorkflowClient client) =>
        [.. (await client.CountAsync(cancellationToken: Cancel)).Select(one => (Enum.Parse<WorkflowState>(one.Key, true), one.Count))];

    private Task<WorkflowClient> ConnectAsync() => WorkflowClient.ConnectAsync(
        options =>
        {
            Database.Use(options);
            options.ApplicationName = "tests";
        },
        Cancel).Within(Bounded.Limit);
}
