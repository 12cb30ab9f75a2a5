using System.Threading.Channels;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The time limit of one attempt. Scenarios SR-06 and SR-07.</summary>
public abstract class StepTimeoutSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly Counts counts = new();
    private readonly ManualTimeProvider time = new();
    private readonly Channel<bool> begun = Channel.CreateUnbounded<bool>();

    [Fact]
    public async Task A_timeout_fires_the_token_with_its_reason_and_is_a_recorded_failure()
    {
        var cleanedUp = new TaskCompletionSource<CancellationReason>();
        var workflow = Caught(async s =>
        {
            try
            {
                await Forever(s);
            }
            catch (OperationCanceledException)
            {
                cleanedUp.TrySetResult(s.CancellationReason);
                throw;
            }
        });
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await AdvanceAsync();

        Assert.Equal("caught Dbos.Fluent.StepTimeoutException", await handle.ResultAsync());
        Assert.Equal(CancellationReason.StepTimeout, await cleanedUp.Task.Within(Bounded.Limit));
        var error = Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints).Error!;
        Assert.True(error.Is<StepTimeoutException>());
        Assert.Contains("00:05:00", error.Data);
    }

    [Fact]
    public async Task A_replay_gives_the_timeout_again_without_waiting()
    {
        var workflow = Caught(Forever);
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await AdvanceAsync();
        var first = await handle.ResultAsync();
        var timers = time.TimersSet;

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.FlipAsync("A");
        engine = await LaunchVirtualAsync(workflow);

        Assert.Equal(first, await engine.Retrieve<string>("A").ResultAsync());
        Assert.Equal((1, timers), (counts["step"], time.TimersSet));
    }

    // SR-06: the clock stands still from then on, so another wait would have no end.
    [Fact]
    public async Task A_fork_past_a_timeout_has_it_at_once_and_no_output_is_stored()
    {
        var workflow = Caught(Forever);
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await AdvanceAsync();
        var first = await handle.ResultAsync();

        await engine.ForkAsync("A", 1, new() { Id = "F" }, Cancel);

        Assert.Equal(first, await engine.ResultAsync<string>("F"));
        Assert.Equal(1, counts["step"]);
        foreach (var id in new[] { "A", "F" })
        {
            var row = Assert.Single((await engine.GetHistoryAsync(id, Cancel)).Checkpoints);
            Assert.Equal((0, "step", null), (row.Sequence, row.Name, row.Output));
            Assert.True(row.Error!.Is<StepTimeoutException>());
            Assert.Contains("00:05:00", row.Error!.Data);
        }
    }

    [Fact]
    public async Task What_an_abandoned_body_returns_late_goes_nowhere()
    {
        var gate = new Probe();
        var ended = new TaskCompletionSource();
        var workflow = Caught(async _ =>
        {
            begun.Writer.TryWrite(true);
            await gate.PassAsync();
            ended.SetResult();
        });
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await AdvanceAsync();
        Assert.Equal("caught Dbos.Fluent.StepTimeoutException", await handle.ResultAsync());
        var before = (await engine.GetHistoryAsync("A", Cancel)).ToString();

        gate.Open();
        await ended.Task.Within(Bounded.Limit);

        Assert.Equal(before, (await engine.GetHistoryAsync("A", Cancel)).ToString());
    }

    [Fact]
    public async Task A_body_that_blocks_before_its_first_await_is_timed_out_too()
    {
        using var blocked = new ManualResetEventSlim();
        var workflow = Caught(_ =>
        {
            begun.Writer.TryWrite(true);
            blocked.Wait(Bounded.Limit);
            return Task.CompletedTask;
        });
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await AdvanceAsync();

        Assert.Equal("caught Dbos.Fluent.StepTimeoutException", await handle.ResultAsync());
        blocked.Set();
    }

    [Fact]
    public async Task Each_attempt_has_the_whole_time()
    {
        var second = new Probe();
        var workflow = Workflow.Define<Unit, string>("budget", Body);
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await AdvanceAsync();

        await second.ReachedAsync();
        await LimitSetAsync();
        time.Advance(Limit - TimeSpan.FromMilliseconds(1));
        second.Open();

        Assert.Equal("done", await handle.ResultAsync());
        Assert.Equal(2, counts["step"]);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async s =>
            {
                // The second attempt is done at the last moment of its own time.
                await (counts.Add("step") == 1 ? Forever(s) : second.PassAsync(s));
                return "done";
            }).Retry(delay: TimeSpan.Zero).Timeout(Limit).As(out var step);
            yield return step.Result;
        }
    }

    [Fact]
    public async Task Attempts_that_all_hang_are_exhausted_retries_with_a_timeout_each()
    {
        var workflow = Workflow.Define<Unit>("hanging", Body);
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await AdvanceAsync();
        }

        var failure = await handle.FailureAsync();

        Assert.Equal("Dbos.Fluent.MaxStepRetriesExceededException", failure.TypeName);
        Assert.Equal(3, failure.Inner.Count(inner => inner.TypeName == "Dbos.Fluent.StepTimeoutException"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", s => Forever(s))
                .Retry(delay: TimeSpan.Zero).Timeout(Limit);
        }
    }

    [Fact]
    public async Task A_step_that_is_done_in_time_leaves_no_timer()
    {
        var workflow = Workflow.Define<Unit>("in time", Body);
        var engine = await LaunchVirtualAsync(workflow);

        await engine.RunAsync(workflow, default, "A");
        time.Advance(Limit * 2);

        Assert.Equal(WorkflowState.Success, (await engine.GetStatusAsync("A", Cancel))!.State);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async s =>
            {
                await Task.Yield();
                s.CancellationToken.Register(() => counts.Add("fired"));
            }).Timeout(Limit);
            yield return Step.Run(
                "check", _ => Task.FromResult(counts["fired"] == 0 ? 0 : throw new InvalidOperationException("It fired.")));
        }
    }

    private Task Forever(StepContext step)
    {
        begun.Writer.TryWrite(true);
        return new TaskCompletionSource().Task.WaitAsync(step.CancellationToken);
    }

    private Task<WorkflowEngine> LaunchVirtualAsync(WorkflowDefinition workflow) =>
        LaunchAsync(options => options.TimeProvider = time, workflow);

    // A body that has not begun when its time is over never does.
    private async Task AdvanceAsync()
    {
        await begun.Reader.ReadAsync(Cancel).Within(Bounded.Limit);
        await LimitSetAsync();
        time.Advance(Limit);
    }

    private async Task LimitSetAsync()
    {
        while (await time.NextTimerAsync() != Limit)
        {
            // A timer of the engine's own.
        }
    }

    private WorkflowDefinition<Unit, string> Caught(Func<StepContext, Task> body)
    {
        return Workflow.Define<Unit, string>("caught", Body);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", s =>
            {
                counts.Add("step");
                return body(s);
            }).Timeout(Limit).Try(out var step);
            yield return "caught " + step.Error?.TypeName;
        }
    }
}
