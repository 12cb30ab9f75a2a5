namespace Dbos.Fluent.Tests.Conformance;

/// <summary>One undo as a step: its failure, its retries, its name, its context; and the end of the body after the last of them.</summary>
public abstract class UndoStepSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Undone undone = new();
    private readonly Counts counts = new();

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_failing_undo_is_recorded_and_told_and_does_not_stop_the_others(Form form)
    {
        var workflow = form.Pick(
            Workflow.Define<Unit>("unlucky", Body),
            Workflow.Define<Unit>("unlucky")
                .Step("a", _ => Task.FromResult("a")).CompensateWith(async _ => throw new TimeoutException("no a"))
                .Step("b", _ => Task.FromResult("b")).CompensateWith(async (_, result) => undone.Add(result))
                .Step("c", _ => Task.FromResult("c")).CompensateWith(_ => throw new TimeoutException("no c"))
                .Step<int>("fails", _ => throw new InvalidOperationException("as asked")).End());
        var engine = await LaunchAsync(workflow);
        var first = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        const string Steps = "0 a, 1 b, 2 c, 3 fails failed, 4 Dbos.Fluent.compensating failed, "
            + "5 c.compensate failed, 6 b.compensate, 7 a.compensate failed";
        Assert.Equal(Steps, await engine.StepsAsync("A"));

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var second = await engine.Retrieve<Unit>("A").FailureAsync();

        foreach (var failure in (RecordedFailure[])[first, second])
        {
            Assert.Equal("as asked", failure.Message);
            Assert.Equal(["no c", "no a"], failure.Inner.Select(inner => inner.Message));
            Assert.True(failure.Is<InvalidOperationException>());
            Assert.True(failure.Inner[0].Is<TimeoutException>());
        }

        Assert.Equal("b", undone.Text);
        Assert.Equal("no c", (await engine.GetHistoryAsync("A", Cancel)).Checkpoints[5].Error!.Message);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Racing.Quick("a").CompensateWith(async _ => throw new TimeoutException("no a"));
            yield return undone.Plain("b");
            yield return Racing.Quick("c").CompensateWith(_ => throw new TimeoutException("no c"));
            yield return Undone.Failing();
        }
    }

    [Fact]
    public async Task Failures_of_undos_come_after_the_failures_own_inner_ones()
    {
        var workflow = Workflow.Define<Unit>("inner", Body);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.True(failure.Is<MaxStepRetriesExceededException>());
        Assert.Equal(["as asked", "as asked", "no a"], failure.Inner.Select(inner => inner.Message));

        static async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Racing.Quick("a").CompensateWith(async _ => throw new TimeoutException("no a"));
            yield return Undone.Failing().Retry(attempts: 2, delay: TimeSpan.Zero);
        }
    }

    [Fact]
    public async Task The_retries_of_a_step_hold_for_its_undo()
    {
        var workflow = Workflow.Define<Unit>("retried", Body);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("1/3, 2/3, 3/3", undone.Text);
        Assert.Empty(failure.Inner);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Racing.Quick("a").Retry(attempts: 3, delay: TimeSpan.Zero).CompensateWith(async undo =>
            {
                undone.Add($"{undo.Attempt}/{undo.MaxAttempts}");
                _ = undo.Attempt < 3 ? throw new TimeoutException("not yet") : 0;
            });
            yield return Undone.Failing();
        }
    }

    [Fact]
    public async Task The_timeout_of_a_step_holds_for_its_undo()
    {
        var (time, limit, undoing) = (new ManualTimeProvider(), TimeSpan.FromMinutes(1), new Probe());
        var workflow = Workflow.Define<Unit>("hanging", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);

        var handle = await engine.BeginAsync(workflow, default, "A");
        await undoing.ReachedAsync();
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "the undo has its time");
        time.Advance(limit);
        var failure = await handle.FailureAsync();

        Assert.True(Assert.Single(failure.Inner).Is<StepTimeoutException>());

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Racing.Quick("a").Timeout(limit).CompensateWith(undo => undoing.PassAsync(undo));
            yield return Undone.Failing();
        }
    }

    [Fact]
    public async Task An_undo_has_a_number_and_an_idempotency_key_of_its_own()
    {
        var workflow = Workflow.Define<Unit>("keys", Body);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("step A 0 A:0 1, undo A 3 A:3 1", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("a", async step => Note("step", step)).CompensateWith(async undo => Note("undo", undo));
            yield return Undone.Failing();
        }

        void Note(string what, StepContext step) =>
            undone.Add($"{what} {step.WorkflowId} {step.Sequence} {step.IdempotencyKey} {step.Attempt}");
    }

    [Fact]
    public async Task An_undo_may_send_and_set_events()
    {
        var other = Workflow.Define<Unit, string>("other").Receive<string>("undone").As(out var message).Return(x => x.Get(message));
        var workflow = Workflow.Define<Unit>("telling", Body);
        var engine = await LaunchAsync(workflow, other);
        var waiting = await engine.BeginAsync(other, default, "B");

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("a", await waiting.ResultAsync());
        Assert.Equal("undone", (await engine.GetEventAsync<string>("A", "state", TimeSpan.Zero, Cancel)).Value);

        static async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Racing.Quick("a").CompensateWith(async (undo, result) =>
            {
                await undo.Client.SendAsync("B", result, "undone");
                await undo.Client.SetEventAsync("state", "undone");
            });
            yield return Undone.Failing();
        }
    }

    [Fact]
    public async Task The_longest_name_of_a_step_leaves_room_for_its_undos()
    {
        var name = new string('n', 250);
        var workflow = Workflow.Define<Unit>("long", Body);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal($"0 {name}, 1 fails failed, 2 {Undone.Row} failed, 3 {name}.compensate", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        await engine.Retrieve<Unit>("A").FailureAsync();

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain(name);
            yield return Undone.Failing();
        }
    }

    [Fact]
    public async Task The_bodys_finally_runs_after_the_last_undo_and_an_error_in_it_changes_nothing()
    {
        var workflow = Workflow.Define<Unit>("finally", Body);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("b, a, finally", undone.Text);
        Assert.Equal(("as asked", 0), (failure.Message, failure.Inner.Count));
        Assert.Equal(WorkflowState.Error, await engine.StateOfAsync("A"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            try
            {
                yield return undone.Plain("a");
                yield return undone.Plain("b");
                yield return Undone.Failing();
            }
            finally
            {
                undone.Add("finally");
                counts.Add("finally");
                ThrowOnce();
            }
        }

        static void ThrowOnce() => throw new TimeZoneNotFoundException("in finally");
    }

    [Fact]
    public async Task Only_whoever_awaits_in_this_process_is_shown_the_exception_itself()
    {
        var workflow = Workflow.Define<Unit>("original", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        var awaited = await Assert.ThrowsAsync<WorkflowFailedException>(() => handle.ResultAsync());

        Assert.Equal("as asked", awaited.Failure.Message);
        Assert.IsType<InvalidOperationException>(awaited.InnerException);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            yield return Undone.Failing();
        }
    }
}
