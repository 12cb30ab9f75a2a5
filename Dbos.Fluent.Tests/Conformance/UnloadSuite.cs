using static Dbos.Fluent.Tests.Conformance.Parkable;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that wait for long leave memory, and any engine of the application takes them up again.</summary>
public abstract class UnloadSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(30);

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();

    [Fact]
    public async Task A_long_sleep_leaves_memory_at_once_and_ends_at_its_moment()
    {
        var workflow = Sleeping(counts, TimeSpan.FromDays(30));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        await ParkedAsync(engine, "A");
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal((WorkflowState.Delayed, time.GetUtcNow() + TimeSpan.FromDays(30)), (status.State, status.DelayUntil));
        time.Advance(TimeSpan.FromDays(30) - TimeSpan.FromMilliseconds(1));
        Assert.True((await engine.GetStatusAsync("A", Cancel))!.Parked);
        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(1, await handle.ResultAsync());
        Assert.Equal(1, (await engine.GetStatusAsync("A", Cancel))!.RecoveryAttempts);
        Assert.Equal("0 before, 1 DBOS.sleep, 2 after", await engine.StepsAsync("A"));
        Assert.Equal((1, 1), (counts["before"], counts["after"]));
    }

    [Fact]
    public async Task Clock_ids_and_attempt_are_the_same_before_and_after()
    {
        var seen = new List<(DateTimeOffset Now, Guid Id, int Attempt)>();
        var workflow = Workflow.Define<Unit, int>("facts", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");
        time.Advance(TimeSpan.FromDays(1));
        await handle.ResultAsync();

        Assert.Equal(2, seen.Count);
        Assert.Equal(seen[0], seen[1]);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            lock (seen)
            {
                seen.Add((workflow.UtcNow, workflow.NewGuid(), workflow.Attempt));
            }

            yield return Step.Sleep(TimeSpan.FromDays(1));
            yield return 1;
        }
    }

    [Fact]
    public async Task The_body_that_leaves_memory_is_dropped_without_its_finally()
    {
        var workflow = Workflow.Define<Unit>("finally", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");
        Assert.Equal(0, counts["finally"]);
        time.Advance(TimeSpan.FromDays(1));
        await handle.ResultAsync();

        Assert.Equal(1, counts["finally"]);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            try
            {
                yield return Step.Sleep(TimeSpan.FromDays(1));
            }
            finally
            {
                counts.Add("finally");
            }
        }
    }

    [Fact]
    public async Task A_short_sleep_stays_in_memory()
    {
        var workflow = Sleeping(counts, TimeSpan.FromSeconds(9));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 2, Bounded.Limit);

        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync("A"));
        time.Advance(TimeSpan.FromSeconds(9));
        await handle.ResultAsync();
    }

    [Fact]
    public async Task With_an_infinite_limit_nothing_leaves_memory()
    {
        var workflow = Sleeping(counts, TimeSpan.FromDays(9));
        var engine = await LaunchAsync(
            options => (options.TimeProvider, options.UnloadAfter) = (time, Timeout.InfiniteTimeSpan), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 2, Bounded.Limit);

        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync("A"));
        time.Advance(TimeSpan.FromDays(9));
        await handle.ResultAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    public async Task A_message_wakes_a_receive_that_has_left(int unloadAfterMs)
    {
        var workflow = Receiving();
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.FromMilliseconds(unloadAfterMs), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");

        await engine.SendAsync("A", 7, "t", cancellationToken: Cancel);

        Assert.Equal(7, await handle.ResultAsync());
        Assert.Equal("0 DBOS.recv, 1 DBOS.sleep", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_message_that_came_while_the_workflow_was_leaving_wakes_it()
    {
        var leaving = new Probe();
        var faults = new Worker.Faults.CallFaults
        {
            Before = (call, token) => call.Batch.Any(unit => unit is Storage.ParkUnit) ? leaving.PassAsync(token) : Task.CompletedTask,
        };
        var workflow = Receiving();
        var engine = await LaunchAsync(
            options =>
            {
                options.UnloadAfter = Soon;
                options.WrapStore = store => new Worker.Faults.FaultingStore(store, faults);
            },
            workflow);
        var other = await LaunchAsync(options => (options.ExecutorId, options.ApplicationName) = ("other", "others"));
        var handle = await engine.BeginAsync(workflow, default, "A");
        await leaving.ReachedAsync();

        // Not through the engine itself, whose lane is held up.
        await other.SendAsync("A", 7, "t", cancellationToken: Cancel);
        leaving.Open();

        Assert.Equal(7, await handle.ResultAsync());
    }

    [Fact]
    public async Task A_receive_that_has_left_times_out_at_its_moment()
    {
        var workflow = Receiving();
        var engine = await LaunchAsync(options => (options.TimeProvider, options.UnloadAfter) = (time, Soon), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");

        time.Advance(TimeSpan.FromDays(2));

        Assert.Equal(-1, await handle.ResultAsync());
    }

    [Fact]
    public async Task A_wait_for_an_event_that_has_left_times_out_at_its_moment()
    {
        var workflow = Workflow.Define<Unit, int>("getter")
            .GetEvent<int>(_ => "nobody", "k", TimeSpan.FromDays(1)).As(out var value).Return(x => x.Get(value).ValueOr(-1));
        var engine = await LaunchAsync(options => (options.TimeProvider, options.UnloadAfter) = (time, Soon), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");

        time.Advance(TimeSpan.FromDays(1));

        Assert.Equal(-1, await handle.ResultAsync());
    }

    [Fact]
    public async Task An_event_wakes_whoever_left_waiting_for_it()
    {
        var gate = new Probe();
        var setter = Workflow.Define<Unit>("setter")
            .Step("wait", x => gate.PassAsync(x.CancellationToken)).SetEvent("k", _ => 5).End();
        var getter = Workflow.Define<Unit, int>("getter")
            .GetEvent<int>(_ => "S", "k", TimeSpan.FromDays(1)).As(out var value).Return(x => x.Get(value).ValueOr(-1));
        var engine = await LaunchAsync(options => options.UnloadAfter = Soon, setter, getter);
        await engine.BeginAsync(setter, default, "S");
        var handle = await engine.BeginAsync(getter, default, "G");
        await gate.ReachedAsync();
        await ParkedAsync(engine, "G");

        gate.Open();

        Assert.Equal(5, await handle.ResultAsync());
    }

    [Fact]
    public async Task The_end_of_a_child_wakes_a_parent_that_has_left()
    {
        var gate = new Probe();
        var child = Workflow.Define<int, int>("child")
            .Step("wait", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input + 1);
        var parent = Workflow.Define<int, int>("parent").Call(child, x => x.Input).As(out var called).Return(x => x.Get(called));
        var engine = await LaunchAsync(options => options.UnloadAfter = Soon, parent, child);
        var handle = await engine.BeginAsync(parent, 1, "P");
        await gate.ReachedAsync();
        await ParkedAsync(engine, "P");

        gate.Open();

        Assert.Equal(2, await handle.ResultAsync());
    }

    [Fact]
    public async Task The_first_end_wakes_whoever_left_waiting_for_any_of_several()
    {
        var gates = new[] { new Probe(), new Probe() };
        var child = Workflow.Define<int, int>("child")
            .Step("wait", x => gates[x.Input].PassAsync(x.CancellationToken)).Return(x => x.Input);
        var parent = Workflow.Define<Unit, int>("parent", Body);
        var engine = await LaunchAsync(options => options.UnloadAfter = Soon, parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await gates[0].ReachedAsync();
        await ParkedAsync(engine, "P");

        gates[1].Open();

        Assert.Equal(1, await handle.ResultAsync());
        gates[0].Open();

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [0, 1]).As(out var handles);
            yield return Step.AwaitAny(handles.Result).As(out var winner);
            yield return winner.Result;
        }
    }

    [Fact]
    public async Task A_group_leaves_when_all_its_members_only_wait_and_goes_on_with_the_first_that_is_woken()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, string>("group", Body);
        var engine = await LaunchAsync(options => options.UnloadAfter = Soon, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync("A"));
        gate.Open();
        await ParkedAsync(engine, "A");

        await engine.SendAsync("A", 1, "x", cancellationToken: Cancel);
        await Eventually.TrueAsync(
            async () => (await engine.StepsAsync("A")).Contains("DBOS.recv", StringComparison.Ordinal), Bounded.Limit);
        await engine.SendAsync("A", 2, "y", cancellationToken: Cancel);

        Assert.Equal("1, 2", await handle.ResultAsync());
        Assert.Equal(1, counts["step"]);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                Step.Receive<int>("x").As(out var x),
                Step.Run("step", async step =>
                {
                    counts.Add("step");
                    await gate.PassAsync(step);
                }),
                Step.Receive<int>("y").As(out var y));
            yield return $"{x.Result}, {y.Result}";
        }
    }

    [Fact]
    public async Task A_workflow_may_leave_again_and_again()
    {
        const int naps = 5;
        var workflow = Workflow.Define<Unit, int>("naps", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        for (var nap = 0; nap < naps; nap++)
        {
            await Eventually.TrueAsync(
                async () => await CheckpointCountAsync("A") == (nap * 2) + 1 && (await engine.GetStatusAsync("A", Cancel))!.Parked,
                Bounded.Limit);
            time.Advance(TimeSpan.FromDays(1));
        }

        Assert.Equal(naps, await handle.ResultAsync());
        Assert.Equal(naps, counts["nap"]);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            for (var nap = 0; nap < naps; nap++)
            {
                yield return Step.Sleep(TimeSpan.FromDays(1));
                yield return Step.Run("nap", _ => Task.FromResult(counts.Add("nap")));
            }

            yield return naps;
        }
    }

    [Fact]
    public async Task Many_sleepers_of_one_moment_all_go_on()
    {
        const int sleepers = 700;
        var workflow = Sleeping(counts, TimeSpan.FromDays(1));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handles = await Task.WhenAll(Enumerable.Range(0, sleepers).Select(i => engine.BeginAsync(workflow, default, $"s{i}")));
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM fluent_waits") == sleepers, Bounded.Limit);

        time.Advance(TimeSpan.FromDays(1));

        await Task.WhenAll(handles.Select(handle => handle.ResultAsync()));
        Assert.Equal((sleepers, sleepers), (counts["before"], counts["after"]));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM fluent_waits"));
    }
}
