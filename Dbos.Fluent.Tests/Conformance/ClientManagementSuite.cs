using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows managed by a program that has no workflows itself. Scenarios CL, CR, FK, LS.</summary>
public abstract class ClientManagementSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // Five seconds, on a machine that has other things to do as well.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

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

    // CL-01
    [Fact]
    public async Task What_a_client_enqueues_twice_before_any_engine_exists_is_one_row_and_runs_once()
    {
        const string Row = "SELECT status, application_version, executor_id, recovery_attempts FROM workflow_status";
        await using var client = await ConnectAsync();
        var options = new StartOptions { Id = "A", Queue = "line" };
        var first = await client.EnqueueAsync<int>("counted", [7], options, Cancel);
        var second = await client.EnqueueAsync<int>("counted", [7], options, Cancel);
        Assert.Equal(("A", "A"), (first.Id, second.Id));
        Assert.Equal([["ENQUEUED", null, null, "0"]], await Database.QueryAsync(Row));

        var workflow = Workflow.Define<int, int>("counted")
            .Step("count", _ => Task.FromResult(counts.Add("count"))).Return(x => x.Input);
        await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);

        Assert.Equal((7, 7), (await first.ResultAsync(), await second.ResultAsync()));
        Assert.Equal([["SUCCESS", "v1", Executor, "1"]], await Database.QueryAsync(Row));
        Assert.Equal(1, counts["count"]);
    }

    // CL-04
    [Fact]
    public async Task A_client_tries_until_the_database_is_there_or_its_caller_gives_up_and_a_connect_tries_once()
    {
        var away = true;
        var faults = new CallFaults
        {
            Before = (call, _) => Volatile.Read(ref away) && counts.Add($"{call.Kind}") > 0
                ? throw CallFaults.Unavailable("Away.")
                : Task.CompletedTask,
        };
        await Assert.ThrowsAsync<StoreUnavailableException>(() => ConnectAsync(Faulty));
        Assert.Equal(1, counts[nameof(StoreCallKind.ReadLevel)]);
        Volatile.Write(ref away, false);
        await using var client = await ConnectAsync(Faulty);
        Volatile.Write(ref away, true);
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task[] given = [client.CancelAsync("A", cancellationToken: caller.Token), client.GetStatusAsync("A", caller.Token)];
        var kept = client.EnqueueAsync<int>("counted", [7], new() { Id = "A", Queue = "line" }, Cancel);
        StoreCallKind[] kinds = [StoreCallKind.Cancel, StoreCallKind.Read, StoreCallKind.ReadQueues];
        await Eventually.TrueAsync(() => kinds.All(kind => counts[$"{kind}"] > 2), Bounded.Limit, "each is tried again and again");

        await caller.CancelAsync();
        foreach (var call in given)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within(Bounded.Limit));
        }

        Assert.False(kept.IsCompleted);
        Volatile.Write(ref away, false);
        Assert.Equal("A", (await kept.Within(Bounded.Limit)).Id);
        Assert.Equal(WorkflowState.Enqueued, await client.StateOfAsync("A"));

        void Faulty(ClientOptions options) => options.WrapStore = store => new FaultingStore(store, faults);
    }

    // CL-05. A client that listens polls too seldom for this; where nothing is announced, it polls as one that does not.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_event_a_value_and_a_result_of_another_process_reach_a_client_soon(bool listening)
    {
        var workflow = Workflow.Define<Unit, int>("telling", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await using var client = await ConnectAsync(options =>
        {
            options.Notifications &= listening;
            options.PollInterval = listening && Database.PushesSignals ? TimeSpan.FromMinutes(1) : null;
        });
        var told = client.GetEventAsync<int>("A", "k", TimeSpan.FromMinutes(1), Cancel);
        var value = client.ReadStreamAsync<int>("A", "s", cancellationToken: Cancel).FirstAsync(Cancel).AsTask();
        var result = client.Retrieve<int>("A").GetResultAsync(Cancel);
        var waits = client.Core.Wakeups;
        await Eventually.TrueAsync(
            () => (waits.Events.Count, waits.Streams.Count, waits.Outcomes.Count) == (1, 1, 1), Bounded.Limit, "all three wait");

        gate.Open();

        Assert.Equal(1, (await told.Within(Soon)).Value);
        Assert.Equal((2, 3), (await value.Within(Soon), await result.Within(Soon)));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("gate", s => gate.PassAsync(s));
            yield return Step.SetEvent("k", 1);
            yield return Step.WriteStream("s", 2);
            yield return 3;
        }
    }

    // RC-06: no user's cancel is behind it, so it is a failure, and whoever only polls must not wait for ever.
    [Fact]
    public async Task A_client_that_polls_is_told_of_a_workflow_that_threw_a_cancellation_of_its_own()
    {
        var workflow = Workflow.Define<Unit, int>("own cancellation", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await using var client = await ConnectAsync(options => options.Notifications = false);
        var result = client.Retrieve<int>("A").GetResultAsync(Cancel);
        await Eventually.TrueAsync(() => client.Core.Wakeups.Outcomes.Count == 1, Bounded.Limit, "somebody waits");

        gate.Open();

        var failed = await Assert.ThrowsAsync<WorkflowFailedException>(() => result.Within(Soon));
        Assert.Equal((true, "mine"), (failed.Failure.Is<OperationCanceledException>(), failed.Failure.Message));
        Assert.Equal(WorkflowState.Error, await client.StateOfAsync("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("gate", s => gate.PassAsync(s));
            throw new OperationCanceledException("mine");
        }
    }

    private static async Task<List<(WorkflowState, long)>> StatesAsync(WorkflowClient client) =>
        [.. (await client.CountAsync(cancellationToken: Cancel)).Select(one => (Enum.Parse<WorkflowState>(one.Key, true), one.Count))];

    private Task<WorkflowClient> ConnectAsync(Action<ClientOptions>? configure = null) => WorkflowClient.ConnectAsync(
        options =>
        {
            Database.Use(options);
            options.ApplicationName = "tests";
            configure?.Invoke(options);
        },
        Cancel).Within(Bounded.Limit);
}
