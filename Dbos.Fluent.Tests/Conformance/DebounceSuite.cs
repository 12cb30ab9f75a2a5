using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Debounced starts, from outside and from workflows. Scenarios DB.</summary>
public abstract class DebounceSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly Counts counts = new();
    private readonly Probe gate = new();
    private readonly ManualTimeProvider time = new();

    [Fact]
    public async Task A_burst_of_calls_is_one_workflow_with_the_last_input()
    {
        var workflow = Counted();
        var engine = await LaunchVirtualAsync(workflow);
        var debouncer = engine.Debounce(workflow);
        var first = await debouncer.CallAsync("k", Period, 1, cancellationToken: Cancel);
        time.Advance(Period / 2);
        var second = await debouncer.CallAsync("k", Period, 2, cancellationToken: Cancel);
        var other = await debouncer.CallAsync("another", Period, 7, cancellationToken: Cancel);

        Assert.Equal(first.Id, second.Id);
        Assert.Equal(time.GetUtcNow() + Period, (await first.GetStatusAsync(Cancel)).DelayUntil);
        time.Advance(Period);
        Assert.Equal((2, 7), (await first.ResultAsync(), await other.ResultAsync()));

        // What comes after that is another burst.
        var later = await debouncer.CallAsync("k", Period, 3, cancellationToken: Cancel);
        var last = await debouncer.CallAsync("k", Period, 4, cancellationToken: Cancel);
        time.Advance(Period);
        Assert.Equal(4, await later.ResultAsync());
        Assert.Equal(later.Id, last.Id);
        Assert.NotEqual(first.Id, later.Id);
        Assert.Equal((0, 1, 0, 1), (counts["1"], counts["2"], counts["3"], counts["4"]));
        Assert.Equal(3, await Database.WorkflowsAsync());
    }

    [Fact]
    public async Task A_limit_caps_the_wait_and_a_shorter_period_shortens_it()
    {
        var workflow = Counted();
        var engine = await LaunchVirtualAsync(workflow);
        var start = time.GetUtcNow();
        var capped = engine.Debounce(workflow, atMost: TimeSpan.FromMinutes(2));
        var handle = await capped.CallAsync("k", TimeSpan.FromDays(1), 1, cancellationToken: Cancel);
        Assert.Equal(start.AddMinutes(2), (await handle.GetStatusAsync(Cancel)).DelayUntil);
        time.Advance(TimeSpan.FromMinutes(1));
        await capped.CallAsync("k", TimeSpan.FromDays(1), 2, cancellationToken: Cancel);
        Assert.Equal(start.AddMinutes(2), (await handle.GetStatusAsync(Cancel)).DelayUntil);

        var open = engine.Debounce(workflow);
        var shortened = await open.CallAsync("open", TimeSpan.FromDays(1), 3, cancellationToken: Cancel);
        await open.CallAsync("open", Period, 4, cancellationToken: Cancel);
        time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal((2, 4), (await handle.ResultAsync(), await shortened.ResultAsync()));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => open.CallAsync("k", TimeSpan.FromSeconds(-1), 1, cancellationToken: Cancel));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.Debounce(workflow, atMost: TimeSpan.Zero));
        await Assert.ThrowsAsync<ArgumentException>(() => open.CallAsync("k", Period, 1, new() { Delay = Period }, Cancel));
    }

    [Fact]
    public async Task A_key_is_free_once_its_workflow_has_started_or_was_cancelled()
    {
        var workflow = Gated();
        var engine = await LaunchVirtualAsync(workflow);
        var debouncer = engine.Debounce(workflow);
        var running = await debouncer.CallAsync("k", Period, 1, cancellationToken: Cancel);
        time.Advance(Period);
        await gate.ReachedAsync();

        var next = await debouncer.CallAsync("k", Period, 2, cancellationToken: Cancel);
        Assert.NotEqual(running.Id, next.Id);
        await engine.CancelAsync(next.Id, cancellationToken: Cancel);
        var last = await debouncer.CallAsync("k", Period, 3, cancellationToken: Cancel);
        Assert.NotEqual(next.Id, last.Id);
        gate.Open();
        time.Advance(Period);

        Assert.Equal((1, 3), (await running.ResultAsync(), await last.ResultAsync()));
    }

    [Fact]
    public async Task A_workflow_that_debounces_finds_the_same_workflow_on_its_replay()
    {
        var child = Counted();
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchVirtualAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P", timeout: TimeSpan.FromHours(1));
        await gate.ReachedAsync();
        var debounced = await engine.Debounce(child).CallAsync("k", Period, 5, cancellationToken: Cancel);
        Assert.Equal("P-0", debounced.Id);
        var status = await debounced.GetStatusAsync(Cancel);
        Assert.Null(status.Deadline);
        gate.Open();
        Assert.Equal("P-0", await handle.ResultAsync());
        Assert.Equal("0 DBOS.debounceDelayedWorkflow, 1 DBOS.debounceDelayedWorkflow, 2 gate", await engine.StepsAsync("P"));

        var again = await FlipAsync(engine, parent, child);
        await StateAsync(again, "P", WorkflowState.Success);
        Assert.Equal(status.DelayUntil, (await again.GetStatusAsync("P-0", Cancel))!.DelayUntil);
        time.Advance(Period);

        Assert.Equal(5, await again.ResultAsync<int>("P-0"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Debounce(child, "k", Period, 1).As(out var first);
            yield return Step.Debounce(child, "k", Period, 2).As(out var second);
            Assert.Equal(first.Result.Id, second.Result.Id);
            yield return Step.Run("gate", s => gate.PassAsync(s));
            yield return first.Result.Id;
        }
    }

    [Fact]
    public async Task A_limit_caps_the_wait_for_calls_of_a_workflow_too()
    {
        var child = Counted();
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchVirtualAsync(parent, child);
        var start = time.GetUtcNow();

        Assert.Equal("P-0 P-0", await engine.RunAsync(parent, default, "P"));
        Assert.Equal(start.AddMinutes(2), (await engine.GetStatusAsync("P-0", Cancel))!.DelayUntil);
        time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(2, await engine.ResultAsync<int>("P-0"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var limit = TimeSpan.FromMinutes(2);
            yield return Step.Debounce(child, "k", TimeSpan.FromDays(1), 1, limit).As(out var first);
            yield return Step.Debounce(child, "k", TimeSpan.FromDays(1), 2, limit).As(out var second);
            yield return $"{first.Result.Id} {second.Result.Id}";
        }
    }

    // DB-06, DB-08: what is debounced outlives the deadline of whoever called, and an id that went unused is nobody's.
    [Fact]
    public async Task What_a_workflow_debounces_has_neither_its_deadline_nor_leaves_an_unused_id_behind()
    {
        var child = Counted();
        var next = Workflow.Define<int, int>("next").Return(x => x.Input + 100);
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchVirtualAsync(parent, child, next);
        await engine.Debounce(child).CallAsync("k", Period, 1, new() { Id = "held" }, Cancel);

        var handle = await engine.BeginAsync(parent, default, "P", timeout: Period / 2);
        Assert.Equal("held P-0 P-2", await handle.ResultAsync());
        time.Advance(Period);

        Assert.Equal((2, 3), (await engine.ResultAsync<int>("held"), await engine.ResultAsync<int>("P-0")));
        Assert.Null((await engine.GetStatusAsync("P-0", Cancel))!.Deadline);
        Assert.Null(await engine.GetStatusAsync("Y", Cancel));
        Assert.Equal(102, await engine.ResultAsync<int>("P-2"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Debounce(child, "own", Period, 3).As(out var own);
            yield return Step.Debounce(child, "k", Period, 2, options: new() { Id = "Y" }).As(out var taken);
            yield return Step.Start(next, 2, new() { Timeout = Timeout.InfiniteTimeSpan }).As(out var started);
            yield return $"{taken.Result.Id} {own.Result.Id} {started.Result.Id}";
        }
    }

    // Whoever called first is gone, and its code with it: the input is the new version's, and so is the start.
    [Fact]
    public async Task A_call_of_a_new_version_takes_the_start_that_the_old_one_left_along()
    {
        var old = Workflow.Define<int, int>("changed").Return(x => x.Input);
        var changed = Workflow.Define<int, int>("changed").Step("more", x => Task.FromResult(1)).Return(x => x.Input + 100);
        var former = await LaunchVirtualAsync(old);
        var first = await former.Debounce(old).CallAsync("k", TimeSpan.FromHours(1), 1, cancellationToken: Cancel);
        await former.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var engine = await LaunchVirtualAsync(options => options.ApplicationVersion = "v2", changed);

        var second = await engine.Debounce(changed).CallAsync("k", Period, 2, cancellationToken: Cancel);
        time.Advance(Period);

        Assert.Equal(first.Id, second.Id);
        Assert.Equal(102, await second.ResultAsync());
    }

    [Fact]
    public async Task Of_many_calls_at_once_one_workflow_comes()
    {
        var workflow = Counted();
        var one = await LaunchVirtualAsync(workflow);
        var two = await LaunchVirtualAsync(options => options.ExecutorId = "executor-2", workflow);
        var calls = Enumerable.Range(0, 50).Select(
            i => (i % 2 == 0 ? one : two).Debounce(workflow).CallAsync("k", Period, i, cancellationToken: Cancel));

        var handles = await Task.WhenAll(calls).Within(Bounded.Limit);

        Assert.Single(handles.Select(handle => handle.Id).Distinct());
        time.Advance(Period);
        await handles[0].ResultAsync();
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Fact]
    public async Task An_id_of_the_callers_own_is_the_first_calls_and_a_later_call_finds_it()
    {
        var workflow = Counted();
        var engine = await LaunchVirtualAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        var debouncer = engine.Debounce(workflow, queue: "line");
        var first = await debouncer.CallAsync("k", Period, 1, new() { Id = "X", Priority = 3 }, Cancel);
        var second = await debouncer.CallAsync("k", Period, 2, new() { Id = "X" }, Cancel);
        var third = await debouncer.CallAsync("k", Period, 3, new() { Id = "Y" }, Cancel);

        Assert.Equal(("X", "X", "X"), (first.Id, second.Id, third.Id));
        Assert.Null(await engine.GetStatusAsync("Y", Cancel));
        time.Advance(Period);
        Assert.Equal(3, await first.ResultAsync());
        var status = await first.GetStatusAsync(Cancel);
        Assert.Equal(("line", 3), (status.Queue, status.Priority));

        Assert.Equal("X", (await debouncer.CallAsync("k", Period, 4, new() { Id = "X" }, Cancel)).Id);
        await Assert.ThrowsAsync<WorkflowIdInUseException>(
            () => debouncer.CallAsync("k", Period, 4, new() { Id = "X", IdReuse = IdReuse.Reject }, Cancel));
    }

    [Fact]
    public async Task A_key_that_makes_up_the_id_of_another_definitions_start_is_refused_with_a_remedy()
    {
        var one = Workflow.Define<int, int>("sync").Return(x => x.Input);
        var other = Workflow.Define<int, int>("sync-user").Return(x => x.Input);
        var engine = await LaunchVirtualAsync(one, other);
        var holder = await engine.Debounce(other).CallAsync("42", Period, 1, cancellationToken: Cancel);

        var refused = await Assert.ThrowsAsync<QueueDeduplicatedException>(
            () => engine.Debounce(one).CallAsync("user-42", Period, 2, cancellationToken: Cancel));

        Assert.Equal((holder.Id, ".sync-user-42"), (refused.HolderId, refused.DeduplicationId));
        Assert.Contains("Use another key", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ReturnExisting", refused.Message, StringComparison.Ordinal);
        await engine.Debounce(one, queue: "its own").CallAsync("user-42", Period, 2, cancellationToken: Cancel);
    }

    // DB-08: whoever loses the race for the key finds the winner, and goes on to the next call with the id that it asked for.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pinned_id_loses_the_race_for_its_key_and_wins_it_where_the_winner_has_started(bool started)
    {
        var (workflow, line) = (Counted(), new WorkflowQueue("line"));
        var engine = await LaunchVirtualAsync(options => options.Add(line), workflow);
        var calls = 0;
        var faults = new CallFaults
        {
            Before = async (call, _) =>
            {
                if (!call.Subjects.Any(subject => subject.StartsWith("debounce ", StringComparison.Ordinal)) || ++calls > 1)
                {
                    return;
                }

                var winner = await engine.Debounce(workflow, queue: line).CallAsync("k", Period, 1, new() { Id = "Y" }, Cancel);
                if (started)
                {
                    time.Advance(Period);
                    await winner.ResultAsync();
                    throw CallFaults.Unavailable("The winner has started when it is tried again.");
                }
            },
        };
        var loser = await LaunchVirtualAsync(
            options =>
            {
                (options.ExecutorId, options.ListenTo) = ("executor-2", []);
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            workflow);

        var handle = await loser.Debounce(workflow, queue: line).CallAsync("k", Period, 2, new() { Id = "X" }, Cancel);
        Assert.Equal(started ? "X" : "Y", handle.Id);
        time.Advance(Period);
        Assert.Equal(2, await handle.ResultAsync());
        var next = await loser.Debounce(workflow, queue: line).CallAsync("k", Period, 3, new() { Id = started ? "Z" : "X" }, Cancel);
        time.Advance(Period);

        Assert.Equal((started ? "Z" : "X", 3), (next.Id, await next.ResultAsync()));
        Assert.Equal(started ? 3 : 2, await Database.WorkflowsAsync("status = 'SUCCESS'"));
    }

    private Task<WorkflowEngine> LaunchVirtualAsync(params WorkflowDefinition[] definitions) => LaunchVirtualAsync(_ => { }, definitions);

    private Task<WorkflowEngine> LaunchVirtualAsync(Action<EngineOptions> configure, params WorkflowDefinition[] definitions) =>
        LaunchAsync(
            options =>
            {
                options.TimeProvider = time;
                configure(options);
            },
            definitions);

    private async Task<WorkflowEngine> FlipAsync(WorkflowEngine engine, params WorkflowDefinition[] definitions)
    {
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("P");
        return await LaunchVirtualAsync(definitions);
    }

    private WorkflowDefinition<int, int> Counted() => Workflow.Define<int, int>("counted")
        .Step("count", x => Task.Run(() => counts.Add($"{x.Input}"))).Return(x => x.Input);

    private WorkflowDefinition<int, int> Gated() =>
        Workflow.Define<int, int>("gated").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);
}
