namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Forks as users make them. Scenarios FK, DL.</summary>
public abstract class ForkSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();

    // FK-01
    [Fact]
    public async Task A_workflow_is_forked_at_each_step()
    {
        var workflow = Steps(5);
        var engine = await LaunchAsync(workflow);
        Assert.Equal("12345", await engine.RunAsync(workflow, default, "A"));
        var history = await Database.StoredStepsAsync("A");
        var status = await engine.GetStatusAsync("A", Cancel);

        Assert.Equal("F", await engine.ForkAsync("A", 2, new() { Id = "F" }, Cancel));
        var second = await engine.ForkAsync("A", 4, cancellationToken: Cancel);
        var third = await engine.ForkAsync("A", 0, cancellationToken: Cancel);
        foreach (var fork in (string[])["F", second, third])
        {
            Assert.Equal("12345", await engine.ResultAsync<string>(fork));
            Assert.Equal("A", (await engine.GetStatusAsync(fork, Cancel))!.ForkedFrom);
        }

        Assert.Equal("2 2 3 3 4", string.Join(' ', Enumerable.Range(1, 5).Select(n => counts[$"S{n}"])));
        Assert.Equal(["F", second, third], await IdsAsync(engine, new() { ForkedFrom = "A" }));
        Assert.Equal(history, await Database.StoredStepsAsync("A"));
        Assert.Equal(status, await engine.GetStatusAsync("A", Cancel));
        var whole = await engine.ForkAsync("A", 5, cancellationToken: Cancel);
        Assert.Equal("12345", await engine.ResultAsync<string>(whole));
        Assert.Equal(4, counts["S5"]);
    }

    // FK-02
    [Fact]
    public async Task A_child_is_started_again_only_if_its_start_was_not_copied()
    {
        var child = Workflow.Define<Unit, int>("child").Step("work", _ => Task.FromResult(counts.Add("child"))).As(out var made)
            .Return(x => x.Get(made));
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        await engine.RunAsync(parent, default, "P");

        var before = await engine.ForkAsync("P", 1, new() { Id = "before" }, Cancel);
        Assert.Equal("before-1 2", await engine.ResultAsync<string>(before));
        var after = await engine.ForkAsync("P", 2, new() { Id = "after" }, Cancel);
        Assert.Equal("P-1 1", await engine.ResultAsync<string>(after));
        var replaced = new Dictionary<string, string> { ["P-1"] = "before-1" };
        await engine.ForkAsync("P", 2, new() { Id = "replaced", ReplacedChildren = replaced }, Cancel);
        Assert.Equal("before-1 2", await engine.ResultAsync<string>("replaced"));
        Assert.Equal(2, counts["child"]);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("one", _ => Task.CompletedTask);
            yield return Step.Start(child, default).As(out var started);
            yield return Step.Await(started.Result).As(out var result);
            yield return Step.Run("four", _ => Task.CompletedTask);
            yield return $"{started.Result.Id} {result.Result}";
        }
    }

    [Fact]
    public async Task A_child_put_in_the_place_of_another_has_won_what_the_other_won()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var never = Workflow.Define<int, int>("never").Receive<int>().As(out var message).Return(x => x.Get(message));
        var workflow = Workflow.Define<Unit, int>("race", Body);
        var engine = await LaunchAsync(workflow, child, never);
        await engine.RunAsync(workflow, default, "P");
        await engine.RunAsync(child, 2, "C");

        var replaced = new Dictionary<string, string> { ["P-0"] = "C" };
        await engine.ForkAsync("P", 3, new() { Id = "F", ReplacedChildren = replaced }, Cancel);

        Assert.Equal(2, await engine.ResultAsync<int>("F"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, 1).As(out var one);
            yield return Step.Start(never, 1).As(out var other);
            yield return Step.AwaitAny([one.Result, other.Result]).As(out var first);
            yield return Step.Await(new[] { one.Result, other.Result }[first.Result]).As(out var result);
            yield return result.Result;
        }
    }

    // FK-03
    [Fact]
    public async Task A_fork_made_in_a_step_is_recorded_with_it()
    {
        var source = Steps(2);
        var forker = Workflow.Define<Unit, string>("forker")
            .Step("fork", x => x.Step.Workflows.ForkAsync("A", 1, cancellationToken: x.CancellationToken)).As(out var id)
            .Return(x => x.Get(id));
        var engine = await LaunchAsync(source, forker);
        await engine.RunAsync(source, default, "A");

        var fork = await engine.RunAsync(forker, default, "F");
        engine = await FlipAndRelaunchAsync(engine, ["F"], source, forker);

        Assert.Equal(fork, await engine.ResultAsync<string>("F"));
        Assert.Equal(fork, await engine.RunAsync(forker, default, "F"));
        Assert.Equal([fork], await IdsAsync(engine, new() { ForkedFrom = "A" }));
    }

    // FK-05
    [Fact]
    public async Task A_fork_begins_at_the_last_failure_or_at_a_step_by_name()
    {
        var fails = true;
        var workflow = Workflow.Define<Unit, string>("failing", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        Assert.Equal(1, counts["undo"]);
        fails = false;

        var retried = await engine.ForkFromFailureAsync("A", cancellationToken: Cancel);
        Assert.Equal("done", await engine.ResultAsync<string>(retried));
        Assert.Equal((1, 1, 2), (counts["first"], counts["tolerated"], counts["charge"]));
        var named = await engine.ForkFromStepAsync("A", "tolerated", cancellationToken: Cancel);
        Assert.Equal("done", await engine.ResultAsync<string>(named));
        Assert.Equal((1, 2, 3), (counts["first"], counts["tolerated"], counts["charge"]));
        var nothing = await Assert.ThrowsAsync<ArgumentException>(() => engine.ForkFromStepAsync("A", "mail", cancellationToken: Cancel));
        Assert.Contains("'mail'", nothing.Message);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("first", _ => Counted("first")).CompensateWith(_ => Counted("undo"));
            yield return Step.Run("tolerated", _ => Counted("tolerated", "absent")).Try(out _);
            yield return Step.Run("charge", _ => Counted("charge", fails ? "declined" : null));
            yield return "done";
        }

        Task<int> Counted(string name, string? failure = null)
        {
            counts.Add(name);
            return failure is null ? Task.FromResult(1) : throw new InvalidOperationException(failure);
        }
    }

    // FK-05: the failed child is not asked again, which would fail for ever.
    [Fact]
    public async Task A_fork_from_a_child_that_failed_calls_a_new_one()
    {
        var child = Workflow.Define<Unit, int>("flaky child")
            .Step("work", _ => counts.Add("work") == 1 ? throw new InvalidOperationException("once") : Task.FromResult(7)).As(out var made)
            .Return(x => x.Get(made));
        var parent = Workflow.Define<Unit, int>("parent").Step("first", _ => Task.FromResult(counts.Add("first")))
            .Call(child, _ => default).As(out var called).Return(x => x.Get(called));
        var engine = await LaunchAsync(parent, child);
        await (await engine.BeginAsync(parent, default, "P")).FailureAsync();

        await engine.ForkFromFailureAsync("P", new() { Id = "F" }, Cancel);

        Assert.Equal(7, await engine.ResultAsync<int>("F"));
        Assert.Equal("0 first, 1 flaky child, 2 DBOS.getResult", await engine.StepsAsync("F"));
        Assert.Equal(["P-1", "F-1"], await IdsAsync(engine, new() { Name = "flaky child" }));
        Assert.Equal((1, 2), (counts["first"], counts["work"]));
    }

    // FK-07
    [Fact]
    public async Task A_fork_goes_to_another_version_queue_and_partition()
    {
        var workflow = Steps(3);
        var engine = await LaunchAsync(
            options => options.Add(new WorkflowQueue("parted") { PartitionConcurrency = 1 }, new WorkflowQueue("plain")), workflow);
        await engine.RunAsync(workflow, default, "A");

        await engine.ForkAsync("A", 2, new() { Id = "v9", ApplicationVersion = "v9" }, Cancel);
        await engine.ForkAsync("A", 2, new() { Id = "parted", Queue = "parted", PartitionKey = "north" }, Cancel);
        Assert.Equal("123", await engine.ResultAsync<string>("parted"));
        var parted = (await engine.GetStatusAsync("parted", Cancel))!;
        Assert.Equal(("parted", "north", "v1"), (parted.Queue, parted.PartitionKey, parted.ApplicationVersion));
        var other = (await engine.GetStatusAsync("v9", Cancel))!;
        Assert.Equal((WorkflowState.Enqueued, "v9"), (other.State, other.ApplicationVersion));
        foreach (var wrong in (ForkOptions[])[
            new() { PartitionKey = "north" }, new() { Queue = "parted" }, new() { Queue = "plain", PartitionKey = "north" }])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => engine.ForkAsync("A", 1, wrong, Cancel));
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        engine = await LaunchAsync(options => options.ApplicationVersion = "v9", workflow);
        Assert.Equal("123", await engine.ResultAsync<string>("v9"));
        Assert.Equal(["A", "v9", "parted"], await IdsAsync(engine, new()));
    }

    // FK-07: as a start is, a fork is accepted into a queue that nobody has registered.
    [Fact]
    public async Task A_fork_into_a_queue_that_nobody_registered_waits_until_somebody_does()
    {
        var workflow = Steps(3);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");

        await engine.ForkAsync("A", 2, new() { Id = "plain", Queue = "plain" }, Cancel);
        await engine.ForkAsync("A", 2, new() { Id = "parted", Queue = "parted", PartitionKey = "north" }, Cancel);
        Assert.Equal("queue-not-registered", (await engine.ExplainAsync("plain", Cancel)).Reason);
        Assert.Equal("queue-not-registered", (await engine.ExplainAsync("parted", Cancel)).Reason);
        await engine.Queues.RegisterAsync(new WorkflowQueue("plain"), cancellationToken: Cancel);
        await engine.Queues.RegisterAsync(new WorkflowQueue("parted") { PartitionConcurrency = 1 }, cancellationToken: Cancel);

        foreach (var id in (string[])["plain", "parted"])
        {
            Assert.Equal("123", await engine.ResultAsync<string>(id));
            var status = (await engine.GetStatusAsync(id, Cancel))!;
            Assert.Equal((id, id == "plain" ? null : "north"), (status.Queue, status.PartitionKey));
        }

        Assert.Equal((1, 1, 3), (counts["S1"], counts["S2"], counts["S3"]));
    }

    [Fact]
    public async Task What_cannot_be_forked_is_refused_and_nothing_is_made()
    {
        var workflow = Steps(2);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");

        var beyond = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.ForkAsync("A", 3, cancellationToken: Cancel));
        Assert.Equal(("fromSequence", 3), (beyond.ParamName, beyond.ActualValue));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.ForkAsync("A", -1, cancellationToken: Cancel));
        var unknown = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.ForkAsync("B", 0, cancellationToken: Cancel));
        Assert.Equal("B", unknown.WorkflowId);
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.ForkFromFailureAsync("B", cancellationToken: Cancel));
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.ForkFromStepAsync("B", "S", cancellationToken: Cancel));
        var inUse = await Assert.ThrowsAsync<WorkflowIdInUseException>(() => engine.ForkAsync("A", 0, new() { Id = "A" }, Cancel));
        Assert.Equal(("A", WorkflowState.Success), (inUse.WorkflowId, inUse.State));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ForkOptions { Timeout = TimeSpan.Zero });
        Assert.Throws<ArgumentException>(() => new ForkOptions { Id = " " });

        Assert.Equal((1, 0), (await Database.WorkflowsAsync(), await Database.WorkflowsAsync("was_forked_from OR forked_from <> ''")));
    }

    // DL-04
    [Fact]
    public async Task A_fork_outlives_its_source_with_the_ids_and_times_of_its_copied_history()
    {
        var workflow = Workflow.Define<Unit, string>("dated", Body);
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "A");
        await engine.ForkAsync("A", 1, new() { Id = "F" }, Cancel);
        await engine.DeleteAsync("A", cancellationToken: Cancel);
        Assert.Equal(first, await engine.ResultAsync<string>("F"));

        engine = await FlipAndRelaunchAsync(engine, ["F"], workflow);

        Assert.Equal(first, await engine.ResultAsync<string>("F"));
        Assert.Equal("A", (await engine.GetStatusAsync("F", Cancel))!.ForkedFrom);
        var anew = await engine.ForkAsync("F", 0, cancellationToken: Cancel);
        Assert.NotEqual(first, await engine.ResultAsync<string>(anew));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var (id, at) = (workflow.NewGuid(), workflow.UtcNow);
            yield return Step.Run("one", _ => Task.CompletedTask);
            yield return Step.Run("two", _ => Task.CompletedTask);
            yield return $"{id} {at:O} {workflow.NewGuid()}";
        }
    }

    [Fact]
    public async Task A_running_workflow_is_forked_from_a_client_and_messages_go_to_all_forks()
    {
        var workflow = Workflow.Define<Unit, string>("receiving").Step("one", _ => Task.FromResult(counts.Add("one")))
            .Receive<string>("t").As(out var message).Return(x => x.Get(message));
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(() => Database.HasStepAsync("A", 0), Bounded.Limit);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);

        await client.ForkAsync("A", 1, new() { Id = "F" }, Cancel);
        await client.ForkAsync("F", 1, new() { Id = "FF" }, Cancel);
        await client.SendAsync("A", "hello", "t", toForks: true, cancellationToken: Cancel);

        foreach (var id in (string[])["A", "F", "FF"])
        {
            Assert.Equal("hello", await client.ResultAsync<string>(id));
        }

        Assert.Equal(1, counts["one"]);
    }

    private static async Task<string[]> IdsAsync(WorkflowClient client, WorkflowFilter filter) =>
        [.. (await client.ListAsync(filter, Cancel).ToListAsync(Cancel).AsTask().Within(Bounded.Limit)).Select(status => status.Id)];

    private WorkflowDefinition<Unit, string> Steps(int count)
    {
        return Workflow.Define<Unit, string>("steps", Body);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var all = "";
            for (var n = 1; n <= count; n++)
            {
                var name = $"S{n}";
                yield return Step.Run(name, _ => Task.FromResult(counts.Add(name))).As(out _);
                all += n;
            }

            yield return all;
        }
    }
}
