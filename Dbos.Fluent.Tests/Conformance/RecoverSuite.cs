namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Recovery that an operator asks for, and what counts as one. Scenarios RC-08, DQ-02, DQ-04 and MX-04.</summary>
public abstract class RecoverSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly WorkflowDefinition<int, int> Echo = Workflow.Define<int, int>("echo").Return(x => x.Input);
    private static readonly WorkflowDefinition<int, int> Other = Workflow.Define<int, int>("other").Return(x => x.Input);

    [Fact]
    public async Task The_work_of_dead_executors_goes_on_at_once_and_no_other()
    {
        var engine = await LaunchAsync(options => options.Lease = Hour, Echo, Other);
        var peer = await LaunchAsync(options => (options.ExecutorId, options.Lease) = ("peer", Hour), Echo);
        string[] ids = ["dead 1", "dead 2", "never", "other name", "other version", "other application", "living"];
        foreach (var id in ids)
        {
            await engine.RunAsync(id == "other name" ? Other : Echo, 1, id);
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        foreach (var (id, executor) in ids.Zip(["dead", "dead", "nobody", "dead", "dead", "dead", "peer"]))
        {
            await Database.FlipAsync(id);
            await Database.ExecuteAsync($"UPDATE workflow_status SET executor_id = '{executor}' WHERE workflow_uuid = '{id}'");
        }

        await Database.ExecuteAsync("UPDATE workflow_status SET application_version = 'v0' WHERE workflow_uuid = 'other version'");
        await Database.ExecuteAsync("UPDATE workflow_status SET application_name = 'else' WHERE workflow_uuid = 'other application'");
        var dead = await LaunchAsync(options => options.ExecutorId = "dead as well", Other);
        await dead.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        var explained = await peer.ExplainAsync("dead 1", Cancel);
        Assert.Equal("owner-dead", explained.Reason);
        Assert.Contains("A living engine takes it up when it has not moved for a lease; RecoverAsync hands it on at once.", explained.Text);
        var refused = await Assert.ThrowsAsync<ExecutorIdInUseException>(() => peer.RecoverAsync(["dead", "peer"], Cancel));
        Assert.Equal("peer", refused.ExecutorId);
        Assert.Equal(7, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'PENDING'"));
        await Assert.ThrowsAsync<ArgumentException>(() => peer.RecoverAsync([" "], Cancel));
        Assert.Equal(0, await peer.RecoverAsync([], Cancel));
        Assert.Equal(0, await peer.RecoverAsync(["unheard of"], Cancel));

        Assert.Equal(2, await peer.RecoverAsync(["dead"], Cancel));
        Assert.Equal((1, 1), (await peer.ResultAsync<int>("dead 1"), await peer.ResultAsync<int>("dead 2")));
        Assert.Equal(2, (await peer.GetStatusAsync("dead 1", Cancel))!.RecoveryAttempts);
        Assert.Equal(1, await peer.RecoverAsync(cancellationToken: Cancel));
        Assert.Equal(1, await peer.ResultAsync<int>("never"));
        foreach (var id in ids[3..])
        {
            Assert.Equal(WorkflowState.Pending, await peer.StateOfAsync(id));
        }
    }

    [Fact]
    public async Task Drains_and_wake_ups_are_no_recoveries()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<int, int>("patient", Body);
        var engine = await LaunchAsync(Sparing, workflow);
        await engine.BeginAsync(workflow, 3, "A");
        for (var message = 1; message <= 3; message++)
        {
            await Parkable.ParkedAsync(engine, "A");
            await engine.SendAsync("A", message, "t", cancellationToken: Cancel);
        }

        for (var drains = 0; drains < 3; drains++)
        {
            await gate.ReachedAsync();
            await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
            engine = await LaunchAsync(Sparing, workflow);
        }

        await gate.ReachedAsync();
        gate.Open();
        Assert.Equal(6, await engine.ResultAsync<int>("A"));
        Assert.Equal(1, (await engine.GetStatusAsync("A", Cancel))!.RecoveryAttempts);

        static void Sparing(EngineOptions options) => (options.MaxRecoveryAttempts, options.UnloadAfter) = (0, TimeSpan.Zero);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            var sum = 0;
            for (var i = 0; i < input; i++)
            {
                yield return Step.Receive<int>("t").As(out var message);
                sum += message.Result;
            }

            yield return Step.Run("held", async step => await gate.PassAsync(step));
            yield return sum;
        }
    }

    // DQ-02
    [Fact]
    public async Task A_dead_letter_that_is_resumed_is_recovered_as_a_new_one_is_and_may_be_asked_for_without_end()
    {
        const int Recoveries = 2;
        var counts = new Counts();
        var workflow = Workflow.Define<int, int>("counted")
            .Step("count", x => Task.FromResult(counts.Add("count", x.Input))).As(out var count)
            .Return(x => x.Get(count));
        var engine = await LaunchAsync(Sparing, workflow);
        await engine.RunAsync(workflow, 7, "A");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        await Database.ForgetFromAsync("A", 0);
        await Database.ExecuteAsync($"UPDATE workflow_status SET recovery_attempts = {Recoveries + 1}");
        engine = await LaunchAsync(Sparing, workflow);
        await StateAsync(engine, "A", WorkflowState.MaxRecoveryAttemptsExceeded);

        await engine.ResumeAsync("A", cancellationToken: Cancel);
        Assert.Equal(7, await engine.ResultAsync<int>("A"));
        for (var recovered = 1; recovered <= Recoveries; recovered++)
        {
            await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
            await Database.FlipAsync("A");
            engine = await LaunchAsync(Sparing, workflow);
            Assert.Equal(7, await engine.ResultAsync<int>("A"));
        }

        for (var asked = 0; asked < 2 * Recoveries; asked++)
        {
            Assert.Equal(7, await engine.RunAsync(workflow, 7, "A"));
        }

        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal((WorkflowState.Success, 1 + Recoveries, 2), (status.State, status.RecoveryAttempts, counts["count"]));

        static void Sparing(EngineOptions options) => options.MaxRecoveryAttempts = Recoveries;
    }

    [Fact]
    public async Task A_child_that_is_given_up_fails_its_parent_and_frees_its_place_and_key()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var parent = Workflow.Define<int, int>("parent")
            .Call(child, x => x.Input, _ => new() { Queue = "q", DeduplicationId = "d" }).As(out var result)
            .Return(x => x.Get(result));
        var queue = new WorkflowQueue("q") { Concurrency = 1 };
        var engine = await LaunchAsync(options => options.Add(queue), parent, child);
        Assert.Equal(1, await engine.RunAsync(parent, 1, "A"));
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ForgetFromAsync("A", 1);
        await Database.FlipAsync("A");
        await Database.FlipAsync("A-0");
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET recovery_attempts = 2, deduplication_id = 'd' WHERE workflow_uuid = 'A-0'");

        // Meanwhile another waits for the only place, and the key is taken.
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        var waiting = await client.EnqueueAsync<int>("child", [3], new() { Queue = "q" }, Cancel);
        var refused = await Assert.ThrowsAsync<QueueDeduplicatedException>(
            () => client.EnqueueAsync<int>("child", [2], new() { Queue = "q", DeduplicationId = "d" }, Cancel));
        Assert.Equal("A-0", refused.HolderId);

        engine = await LaunchAsync(
            options =>
            {
                options.Add(queue);
                options.MaxRecoveryAttempts = 1;
            },
            parent,
            child);

        var failure = await engine.Retrieve<int>("A").FailureAsync();
        Assert.True(failure.Is<MaxRecoveryAttemptsExceededException>());
        Assert.Equal(3, await waiting.ResultAsync());
        var dead = await engine.GetStatusAsync("A-0", Cancel);
        Assert.Equal((WorkflowState.MaxRecoveryAttemptsExceeded, null, null), (dead!.State, dead.Queue, dead.DeduplicationId));
        var next = await engine.StartAsync(child, 2, new() { Id = "B", Queue = "q", DeduplicationId = "d" }, Cancel);
        Assert.Equal(2, await next.ResultAsync());

        // Resumed, it counts anew.
        await engine.ResumeAsync("A-0", cancellationToken: Cancel);
        Assert.Equal(1, await engine.ResultAsync<int>("A-0"));
        Assert.Equal(1, (await engine.GetStatusAsync("A-0", Cancel))!.RecoveryAttempts);
    }
}
