using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// Wake-ups of an engine that hears of nothing but its own doings: no other process commits, nothing is announced, and no poll comes
/// within the test.
/// </summary>
public abstract class LoneEngineSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // Far below the poll, far above what a loaded machine needs.
    private static readonly TimeSpan Soon = Bounded.Limit;
    private static readonly TimeSpan Poll = TimeSpan.FromMinutes(2);

    private readonly CallFaults faults = new();

    [Fact]
    public async Task A_message_that_comes_while_the_next_moment_is_looked_up_wakes_whoever_is_parked()
    {
        var looking = new Probe();
        var workflow = Flows.One("receive", () => Step.Receive<int>());
        var engine = await LaunchAloneAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await ParkedAsync(engine, "R");
        faults.After = (call, token) => call.Kind is StoreCallKind.ReadOutlook or StoreCallKind.ReadParkedOutlook
            ? looking.PassAsync(token)
            : Task.CompletedTask;
        await looking.ReachedAsync();

        await engine.SendAsync("R", 7, cancellationToken: Cancel);
        looking.Open();

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Soon));
    }

    [Fact]
    public async Task The_lease_is_renewed_by_one_statement_a_third_whatever_runs()
    {
        var (renewals, fifth) = (0, new TaskCompletionSource<long>());
        var lease = TimeSpan.FromSeconds(2);
        var (gate, everybody) = (new Probe(), new Meeting(50));
        var written = new System.Collections.Concurrent.ConcurrentQueue<StoreCallKind>();
        var workflow = Workflow.Define<int>("held").Step("held", x =>
        {
            everybody.Arrive();
            return gate.PassAsync(x.CancellationToken);
        }).End();
        var engine = await LaunchAsync(
            options =>
            {
                options.WrapStore = store => new FaultingStore(store, faults);
                (options.Lease, options.PollInterval) = (lease, Poll);
            },
            workflow);
        await engine.StartManyAsync(workflow, Enumerable.Range(0, 50).Select(i => (i, (StartOptions?)null)), Cancel);
        await everybody.AllAreHere.Within(Bounded.Limit);
        faults.Before = (call, _) =>
        {
            if (call.Kind == StoreCallKind.Renew && Interlocked.Increment(ref renewals) == 5)
            {
                fifth.SetResult(TimeProvider.System.GetTimestamp());
            }
            else if (call.Kind is StoreCallKind.Commit or StoreCallKind.CommitWaiting or StoreCallKind.Register)
            {
                written.Enqueue(call.Kind);
            }

            return Task.CompletedTask;
        };
        var begun = TimeProvider.System.GetTimestamp();
        var ended = await fifth.Task.Within(Bounded.Limit);

        // Five renewals need four thirds between them, or a little less if one is late. Twice as many would need less than a lease, and one
        // for each of what runs next to nothing. Nothing else is written.
        Assert.True(TimeProvider.System.GetElapsedTime(begun, ended) > lease);
        Assert.Empty(written);
        gate.Open();
    }

    [Fact]
    public async Task The_cancel_of_a_child_wakes_its_parked_parent()
    {
        var child = Workflow.Define<Unit>("child").Sleep(TimeSpan.FromDays(1)).End();
        var parent = Workflow.Define<Unit>("parent").Call(child, _ => default).End();
        var engine = await LaunchAloneAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await ParkedAsync(engine, "P");
        await ParkedAsync(engine, "P-0");

        await engine.CancelAsync("P-0", cancellationToken: Cancel);

        await StateAsync(engine, "P", WorkflowState.Error).Within(Soon);
        Assert.True((await handle.FailureAsync()).Is<AwaitedWorkflowCancelledException>());
    }

    [Fact]
    public async Task A_cancel_is_told_to_a_running_step_without_a_look()
    {
        var (step, looks) = (new Probe(), new Probe());
        var reason = new TaskCompletionSource<CancellationReason>();
        faults.Before = (call, token) => call.Kind == StoreCallKind.ReadLost ? looks.PassAsync(token) : Task.CompletedTask;
        var workflow = Flows.Series("waits", () => [Step.Run("wait", async s =>
        {
            s.CancellationToken.Register(() => reason.TrySetResult(s.CancellationReason));
            await step.PassAsync(s);
        })]);
        var engine = await LaunchAloneAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await step.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await reason.Task.Within(Soon));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reader_ends_with_a_writer_that_is_cancelled(bool parked)
    {
        var (end, looked) = (new Probe(), new TaskCompletionSource());
        var workflow = Flows.Series(
            "writer",
            () => [Step.WriteStream("s", 1), parked ? Step.Receive<int>() : Step.Run("wait", s => end.PassAsync(s))]);
        var engine = await LaunchAloneAsync(workflow);
        await engine.BeginAsync(workflow, default, "W");
        await (parked ? ParkedAsync(engine, "W") : end.ReachedAsync());
        faults.After = (call, _) =>
        {
            if (call.Kind == StoreCallKind.ReadStreams)
            {
                looked.TrySetResult();
            }

            return Task.CompletedTask;
        };
        var reader = engine.ReadAllAsync<int>("W", "s", offset: 1);
        await looked.Task.Within(Bounded.Limit);

        await engine.CancelAsync("W", cancellationToken: Cancel);

        Assert.Empty(await reader.Within(Soon));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_whose_sender_gave_up_the_waiting_is_received(bool parked)
    {
        var sending = new Probe();
        var workflow = Flows.One("receive", () => Step.Receive<int>());
        var engine = await LaunchAloneAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await (parked ? ParkedAsync(engine, "R") : Task.CompletedTask);
        faults.Before = (call, token) => call.Batch.Any(unit => unit is SendUnit) ? sending.PassAsync(token) : Task.CompletedTask;
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var send = engine.SendAsync("R", 7, cancellationToken: giveUp.Token);
        await sending.ReachedAsync();

        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.Within(Bounded.Limit));
        sending.Open();

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Soon));
    }

    [Fact]
    public async Task A_step_whose_write_is_refused_because_of_a_cancel_is_told_that_reason()
    {
        var (step, cancelling) = (new Probe(), new Probe());
        var reason = new TaskCompletionSource<CancellationReason>();
        var workflow = Flows.Series("writes", () => [Step.Run("write", WriteAsync)]);
        var engine = await LaunchAloneAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await step.ReachedAsync();
        faults.After = (call, token) => call.Kind == StoreCallKind.Cancel ? cancelling.PassAsync(token) : Task.CompletedTask;

        var cancel = engine.CancelAsync("A", cancellationToken: Cancel);
        await cancelling.ReachedAsync();
        step.Open();

        Assert.Equal(CancellationReason.Cancelled, await reason.Task.Within(Bounded.Limit));
        cancelling.Open();
        await cancel.Within(Bounded.Limit);

        async Task WriteAsync(StepContext context)
        {
            context.CancellationToken.Register(() => reason.TrySetResult(context.CancellationReason));
            await step.PassAsync(Cancel);
            await context.Client.WriteStreamAsync("s", 1, Cancel);
        }
    }

    [Fact]
    public async Task A_resume_whose_answer_comes_after_its_run_has_begun_does_not_stop_that_run()
    {
        var (step, resuming) = (new Probe(), new Probe());
        var workflow = Flows.Series("waits", () => [Step.Run("wait", s => step.PassAsync(s))]);
        var engine = await LaunchAloneAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await step.ReachedAsync();
        faults.After = (call, token) => call.Kind == StoreCallKind.Resume ? resuming.PassAsync(token) : Task.CompletedTask;

        var resume = engine.ResumeAsync("A", cancellationToken: Cancel);
        await resuming.ReachedAsync();
        await step.ReachedAsync();
        resuming.Open();
        await resume.Within(Bounded.Limit);
        step.Open();

        await handle.GetResultAsync(Cancel).Within(Soon);
        Assert.Equal("0 wait", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task What_another_version_left_overdue_does_not_hide_when_a_sleep_ends()
    {
        var time = new ManualTimeProvider();
        var workflow = Workflow.Define<Unit>("sleeps").Sleep(TimeSpan.FromDays(1)).End();
        var other = Workflow.Define<Unit>("sleeps").Sleep(TimeSpan.FromDays(1)).Sleep(TimeSpan.Zero).End();
        var former = await LaunchAsync(
            options => (options.TimeProvider, options.ApplicationVersion, options.ExecutorId) = (time, "v0", "former"), other);
        await former.BeginAsync(other, default, "old");
        await ParkedAsync(former, "old");
        await former.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        time.Advance(TimeSpan.FromDays(2));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "new");
        await ParkedAsync(engine, "new");

        // The one timer that is set is that for the next moment at which a parked workflow of ours is due.
        await Eventually.TrueAsync(() => time.TimersPending == 1, Bounded.Limit, "a timer is set");
        time.Advance(TimeSpan.FromDays(1));

        await handle.ResultAsync();
        Assert.True((await engine.GetStatusAsync("old", Cancel))!.Parked);
    }

    private static Task ParkedAsync(WorkflowEngine engine, string id) => Eventually.TrueAsync(
        async () => (await engine.GetStatusAsync(id, Cancel))?.Parked == true, Bounded.Limit, $"{id} is parked");

    private Task<WorkflowEngine> LaunchAloneAsync(params WorkflowDefinition[] definitions) => LaunchAsync(
        options =>
        {
            (options.Notifications, options.PollInterval, options.UnloadAfter) = (false, Poll, TimeSpan.Zero);
            options.WrapStore = store => new FaultingStore(store, faults);
        },
        definitions);
}
