namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Undoing that is interrupted: by a crash at each place, by changed code, by a cancel; and what is never undone.</summary>
public abstract class UndoReplaySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const string Steps = "0 a, 1 b, 2 c, 3 fails failed, 4 Dbos.Fluent.compensating failed, "
        + "5 c.compensate, 6 b.compensate, 7 a.compensate";

    private readonly Undone undone = new();
    private readonly Counts counts = new();

    [Theory]
    [InlineData(Form.Iterator, 4, "c, b, a, c, b, a")]
    [InlineData(Form.Iterator, 5, "c, b, a, c, b, a")]
    [InlineData(Form.Iterator, 6, "c, b, a, b, a")]
    [InlineData(Form.Iterator, 7, "c, b, a, a")]
    [InlineData(Form.Iterator, 8, "c, b, a")]
    [InlineData(Form.Fluent, 4, "c, b, a, c, b, a")]
    [InlineData(Form.Fluent, 5, "c, b, a, c, b, a")]
    [InlineData(Form.Fluent, 6, "c, b, a, b, a")]
    [InlineData(Form.Fluent, 7, "c, b, a, a")]
    [InlineData(Form.Fluent, 8, "c, b, a")]
    public async Task A_crash_at_any_place_goes_on_with_the_next_undo(Form form, int from, string text)
    {
        var workflow = form.Pick(
            Saga(),
            Workflow.Define<Unit>("saga")
                .Step("a", _ => Task.FromResult(counts.Add("a"))).CompensateWith(async _ => undone.Add("a"))
                .Step("b", _ => Task.FromResult("b")).CompensateWith(async (_, result) => undone.Add(result))
                .Step("c", _ => Task.FromResult("c")).CompensateWith(async (_, result) => undone.Add(result))
                .Step<int>("fails", _ => throw new InvalidOperationException(counts.Add("fails", "as asked"))).End());
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        Assert.Equal(Steps, await engine.StepsAsync("A"));

        await Database.ForgetFromAsync("A", from);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("as asked", (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal(text, undone.Text);
        Assert.Equal((1, 1), (counts["a"], counts["fails"]));
    }

    [Theory]
    [InlineData(Undone.Row, false)]
    [InlineData(Undone.Row, true)]
    [InlineData("b.compensate", false)]
    [InlineData("b.compensate", true)]
    public async Task A_write_that_is_lost_is_repeated(string row, bool afterEffect)
    {
        var notes = new CommitNotes();
        notes.FailOnce(row, afterEffect);
        var workflow = Saga();
        var engine = await LaunchAsync(notes.Wrap, workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal("c, b, a", undone.Text);
    }

    [Fact]
    public async Task An_undo_that_a_stop_interrupts_runs_again()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit>("held", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        engine = await RelaunchAsync(engine, workflow);
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal("as asked", (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal("b, b, a", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            yield return undone.Held("b", gate);
            yield return Undone.Failing();
        }
    }

    [Theory]
    [InlineData("goes further")]
    [InlineData("succeeds")]
    [InlineData("fails otherwise")]
    public async Task What_was_begun_to_be_undone_is_undone_although_the_code_would_now_do_otherwise(string how)
    {
        var mended = false;
        var workflow = Workflow.Define<Unit>("mended", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        await Database.ForgetFromAsync("A", 4);
        mended = true;
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        var failure = await engine.Retrieve<Unit>("A").FailureAsync();
        Assert.Equal(("broken", 0), (failure.Message, failure.Inner.Count));
        Assert.Equal("b, a, a", undone.Text);
        Assert.Equal("0 a, 1 b, 2 Dbos.Fluent.compensating failed, 3 b.compensate, 4 a.compensate", await engine.StepsAsync("A"));
        Assert.Equal(0, counts["further"]);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            yield return undone.Plain("b");
            if (!mended)
            {
                throw new TimeoutException("broken");
            }

            _ = how == "fails otherwise" ? throw new InvalidOperationException("otherwise") : 0;
            if (how == "goes further")
            {
                yield return Step.All(
                    Step.Run("further", async _ => counts.Add("further")), Step.Run("further", async _ => counts.Add("further")));
            }
        }
    }

    [Fact]
    public async Task Code_that_no_longer_has_what_is_to_be_undone_is_another_path()
    {
        var workflow = Saga();
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        await Database.ForgetFromAsync("A", 7);
        var before = await Database.StoredStepsAsync("A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], Workflow.Define<Unit>("saga", Shorter));

        await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<Unit>("A"));
        Assert.Equal(before, await Database.StoredStepsAsync("A"));

        async IAsyncEnumerable<Step> Shorter(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("a", async _ => counts.Add("a")).CompensateWith(async _ => undone.Add("never"));
        }
    }

    [Fact]
    public async Task A_cancelled_workflow_undoes_nothing()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit>("cancelled", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(("", 1), (undone.Text, await CheckpointCountAsync("A")));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            yield return Racing.At(gate, "waits");
        }
    }

    [Fact]
    public async Task A_workflow_whose_time_is_over_undoes_nothing()
    {
        var (gate, time) = (new Probe(), new ManualTimeProvider());
        var workflow = Workflow.Define<Unit>("timed out", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A", TimeSpan.FromHours(1));
        await gate.ReachedAsync();
        time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());

        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(("", 1), (undone.Text, await CheckpointCountAsync("A")));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            yield return Racing.At(gate, "waits");
        }
    }

    [Fact]
    public async Task A_cancel_stops_undoing_and_a_resume_goes_on_with_it()
    {
        var gate = new Probe();
        var ended = 0;
        var workflow = Workflow.Define<Unit>("stopped", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        Assert.Equal(("c, b", 0), (undone.Text, ended));
        gate.Open();
        await engine.ResumeAsync("A", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal("as asked", (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal(("c, b, b, a", 1), (undone.Text, ended));
        Assert.Equal(Steps, await engine.StepsAsync("A"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            try
            {
                yield return undone.Plain("a");
                yield return undone.Held("b", gate);
                yield return undone.Plain("c");
                yield return Undone.Failing();
            }
            finally
            {
                ended++;
            }
        }
    }

    [Fact]
    public async Task A_run_that_finds_another_step_recorded_undoes_nothing()
    {
        var name = "before";
        var workflow = Workflow.Define<Unit>("changed", Body);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");
        var before = await Database.StoredStepsAsync("A");

        name = "after";
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<Unit>("A"));
        Assert.Equal((before, ""), (await Database.StoredStepsAsync("A"), undone.Text));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            yield return Racing.Quick(name);
        }
    }

    [Fact]
    public async Task A_group_that_failed_is_undone_again_after_a_crash_without_starting_what_was_never_started()
    {
        var workflow = Workflow.Define<Unit>("group", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        var steps = await engine.StepsAsync("A");
        var endless = counts["endless"];

        await Database.ForgetFromAsync("A", 5);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("as asked", (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal("0 S0, 2 fails failed, 4 Dbos.Fluent.compensating failed, 5 S0.compensate", steps.Replace("3 DBOS.sleep, ", ""));
        Assert.Equal(steps, await engine.StepsAsync("A"));
        Assert.Equal(endless, counts["endless"]);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                undone.Plain("S0"),
                Step.Run("endless", s =>
                {
                    counts.Add("endless");
                    return new TaskCompletionSource().Task.WaitAsync(s);
                }),
                Step.Run("fails", async _ =>
                {
                    await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 2, Bounded.Limit);
                    throw new InvalidOperationException("as asked");
                }),
                Step.Sleep(TimeSpan.FromHours(1)));
        }
    }

    private WorkflowDefinition<Unit, Unit> Saga()
    {
        return Workflow.Define<Unit>("saga", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("a", async _ => counts.Add("a")).CompensateWith(async _ => undone.Add("a"));
            yield return undone.Plain("b");
            yield return undone.Plain("c");
            yield return Step.Run("fails", async _ => throw new InvalidOperationException(counts.Add("fails", "as asked")));
        }
    }
}
