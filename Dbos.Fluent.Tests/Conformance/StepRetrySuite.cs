namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Attempts of a step, and the waits between them. Scenarios SR-01 to SR-05.</summary>
public abstract class StepRetrySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();
    private readonly ManualTimeProvider time = new();

    [Fact]
    public async Task Attempts_are_bounded_and_the_failure_holds_each_of_them()
    {
        var workflow = Failing(step => step.Retry(attempts: 2, delay: TimeSpan.Zero), n => new InvalidOperationException($"number {n}"));
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        var failure = await handle.FailureAsync();

        Assert.Equal(2, counts["step"]);
        Assert.Equal("Dbos.Fluent.MaxStepRetriesExceededException", failure.TypeName);
        Assert.Equal(["number 1", "number 2"], failure.Inner.Select(inner => inner.Message));
        Assert.True(failure.Is<InvalidOperationException>());
        var row = Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints);
        Assert.Equal((0, "step", null), (row.Sequence, row.Name, row.Output));
        Assert.Equal(failure.Message, row.Error!.Message);
        Assert.Equal(failure.Message, (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal(WorkflowState.Error, (await engine.GetStatusAsync("A", Cancel))!.State);
    }

    [Fact]
    public async Task Of_many_attempts_the_first_and_the_last_failures_are_kept_and_the_number_of_all()
    {
        var workflow = Failing(step => step.Retry(attempts: 1200, delay: TimeSpan.Zero), n => new InvalidOperationException($"number {n}"));
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        var failure = await handle.FailureAsync();

        Assert.Equal(1200, counts["step"]);
        Assert.Equal(
            [.. Enumerable.Range(1, 50), .. Enumerable.Range(1151, 50)],
            failure.Inner.Select(inner => int.Parse(inner.Message["number ".Length..], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Contains("each of its 1200 attempts; the last: ", failure.Message, StringComparison.Ordinal);
        var row = Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints);
        Assert.Equal(failure.Message, row.Error!.Message);
    }

    // SR-01: whoever asks, in this process or another, is told of every attempt, also where a queue or a parent stood between.
    [Theory]
    [InlineData("direct", PayloadFormat.MessagePack)]
    [InlineData("enqueued", PayloadFormat.MessagePack)]
    [InlineData("enqueued", PayloadFormat.PortableJson)]
    [InlineData("child", PayloadFormat.MessagePack)]
    public async Task Every_attempt_is_carried_to_whoever_awaits(string way, PayloadFormat format)
    {
        var workflow = Failing(
            step => step.Retry(attempts: 2, delay: TimeSpan.Zero),
            n => n == 1 ? new TimeoutException("number 1") : new InvalidOperationException("number 2", new IOException("cause")));
        var parent = Workflow.Define<Unit>("parent").Call(workflow, _ => default, _ => new() { Queue = "line" }).End();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow, parent);
        await using var other = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        var options = new StartOptions { Id = "A", Queue = way == "enqueued" ? "line" : null, Format = format };
        var handle = await engine.StartAsync(way == "child" ? parent : workflow, default, options, Cancel);

        foreach (var awaiter in (WorkflowHandle<Unit>[])[handle, engine.Retrieve<Unit>("A"), other.Retrieve<Unit>("A")])
        {
            var failure = await awaiter.FailureAsync();
            var exhausted = way == "child" ? Assert.Single(failure.Inner) : failure;
            Assert.EndsWith("MaxStepRetriesExceededException", exhausted.TypeName, StringComparison.Ordinal);
            Assert.Equal(["number 1", "number 2"], exhausted.Inner.Select(attempt => attempt.Message));
            Assert.Equal("cause", Assert.Single(exhausted.Inner[1].Inner).Message);
            Assert.True(failure.Is<TimeoutException>() && failure.Is<IOException>() && !failure.Is<FormatException>());
        }

        var id = way == "child" ? "A-0" : "A";
        var row = Assert.Single((await engine.GetHistoryAsync(id, Cancel)).Checkpoints);
        Assert.Equal(["number 1", "number 2"], row.Error!.Inner.Select(attempt => attempt.Message));
        Assert.Equal((2, WorkflowState.Error), (counts["step"], await engine.StateOfAsync(id)));
    }

    [Fact]
    public async Task A_tolerated_step_gives_its_attempts_to_the_workflow()
    {
        var workflow = Workflow.Define<Unit, string>("tolerant", Body);
        var engine = await LaunchAsync(workflow);

        var first = await engine.RunAsync(workflow, default, "A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var replayed = await engine.Retrieve<string>("A").ResultAsync();

        Assert.Equal("A 0 step: number 1, number 2, number 3", first);
        Assert.Equal((first, 3), (replayed, counts["step"]));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", _ => Throw(n => new InvalidOperationException($"number {n}")))
                .Retry(delay: TimeSpan.Zero).Try(out var step);
            var exhausted = Assert.Throws<MaxStepRetriesExceededException>(() => step.Result);
            var attempts = string.Join(", ", exhausted.Attempts.Select(attempt => attempt.Message));
            yield return $"{exhausted.WorkflowId} {exhausted.Sequence} {exhausted.StepName}: {attempts}";
        }
    }

    [Fact]
    public async Task A_step_that_succeeds_in_the_end_leaves_no_trace_of_its_failures()
    {
        var workflow = Failing(
            step => step.Retry(attempts: 5, delay: TimeSpan.Zero), n => n < 4 ? new InvalidOperationException("not yet") : null);
        var engine = await LaunchAsync(workflow);

        await engine.RunAsync(workflow, default, "A");

        Assert.Equal(4, counts["step"]);
        Assert.Null(Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints).Error);
    }

    [Fact]
    public async Task Without_retry_there_is_one_attempt_and_the_failure_itself()
    {
        var workflow = Failing(step => step, _ => new ArithmeticException("once"));
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal((1, "System.ArithmeticException", "once"), (counts["step"], failure.TypeName, failure.Message));
        Assert.Empty(failure.Inner);
    }

    [Fact]
    public async Task Waits_grow_by_the_factor_up_to_the_longest_and_none_follows_the_last_attempt()
    {
        var workflow = Failing(
            step => step.Retry(attempts: 5, delay: TimeSpan.FromSeconds(10), backoff: 2, maxDelay: TimeSpan.FromSeconds(50)),
            _ => new InvalidOperationException("again"));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        List<double> waits = [];
        for (var attempt = 1; attempt < 5; attempt++)
        {
            var wait = await time.NextTimerAsync();
            Assert.Equal(attempt, counts["step"]);
            waits.Add(wait.TotalSeconds);
            time.Advance(wait - TimeSpan.FromMilliseconds(1));
            Assert.Equal(attempt, counts["step"]);
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        await handle.FailureAsync();
        Assert.Equal([10, 20, 40, 50], waits);
        Assert.Equal((5, 0), (counts["step"], time.TimersSet));
    }

    [Fact]
    public async Task The_defaults_are_three_attempts_after_one_and_two_seconds()
    {
        var workflow = Failing(step => step.Retry(), _ => new InvalidOperationException("again"));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        var first = await time.NextTimerAsync();
        time.Advance(first);
        var second = await time.NextTimerAsync();
        time.Advance(second);

        Assert.Equal(3, (await handle.FailureAsync()).Inner.Count);
        Assert.Equal((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)), (first, second));
    }

    [Fact]
    public async Task Jitter_only_lengthens_a_wait()
    {
        var workflow = Failing(
            step => step.Retry(attempts: 9, delay: TimeSpan.FromSeconds(1), backoff: 1, jitter: 0.5), _ =>
                new InvalidOperationException("again"));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        List<TimeSpan> waits = [];
        while (waits.Count < 8)
        {
            waits.Add(await time.NextTimerAsync());
            time.Advance(waits[^1]);
        }

        await handle.FailureAsync();
        Assert.All(waits, wait => Assert.InRange(wait, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.5)));
        Assert.True(waits.Distinct().Count() > 1, "All waits are the same.");
    }

    // SR-03: the predicate sees each failure itself, but for that of the last attempt it would not change how the step ends.
    [Theory]
    [InlineData("fatal", 1, "System.FormatException")]
    [InlineData("again, again, again", 3, "Dbos.Fluent.MaxStepRetriesExceededException")]
    [InlineData("again, again, fatal", 3, "System.FormatException")]
    [InlineData("again, fatal", 2, "System.FormatException")]
    public async Task A_predicate_that_says_no_ends_the_step_with_the_failure_itself(string failures, int attempts, string typeName)
    {
        var (each, asked) = (failures.Split(", "), new List<string>());
        foreach (var form in Enum.GetValues<Form>())
        {
            var (before, id) = (counts["step"], $"{form}");
            asked.Clear();
            var workflow = form.Pick(
                Failing(step => step.Retry(attempts: 3, delay: TimeSpan.Zero, retryIf: MayRetry), n => Failure(n - before)),
                Workflow.Define<Unit>("failing").Step("step", _ => Throw(n => Failure(n - before)))
                    .Retry(attempts: 3, delay: TimeSpan.Zero, retryIf: MayRetry).End());
            var engine = await LaunchAsync(workflow);

            var failure = await (await engine.BeginAsync(workflow, default, id)).FailureAsync();
            engine = await FlipAndRelaunchAsync(engine, [id], workflow);
            var replayed = await engine.Retrieve<Unit>(id).FailureAsync();
            await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

            Assert.Equal((attempts, typeName), (counts["step"] - before, failure.TypeName));
            Assert.Equal(typeName.StartsWith("System") ? [] : each, failure.Inner.Select(inner => inner.Message));
            Assert.Equal((failure.TypeName, failure.Message), (replayed.TypeName, replayed.Message));
            Assert.Equal(each, asked);
        }

        Exception Failure(int number) =>
            each[number - 1] == "fatal" ? new FormatException("fatal") : new InvalidOperationException("again");

        bool MayRetry(Exception exception)
        {
            asked.Add(exception.Message);
            return exception is InvalidOperationException;
        }
    }

    // SR-10
    [Theory]
    [InlineData("yes", "Dbos.Fluent.MaxStepRetriesExceededException")]
    [InlineData("no", "System.FormatException")]
    [InlineData("throws", "System.InvalidOperationException")]
    public async Task A_predicate_makes_no_second_attempt_where_one_is_all(string answer, string typeName)
    {
        var workflow = Failing(
            step => step.Retry(attempts: 1, delay: TimeSpan.FromHours(1), retryIf: Answer), _ => new FormatException("it"));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal((1, typeName, 0), (counts["step"], failure.TypeName, time.TimersSet));
        Assert.Equal(answer == "yes" ? ["it"] : [], failure.Inner.Select(inner => inner.Message));

        bool Answer(Exception exception) => answer == "throws" ? throw new InvalidOperationException("asked") : answer == "yes";
    }

    [Fact]
    public async Task A_predicate_that_throws_is_the_failure_and_a_replay_gives_it_again()
    {
        var workflow = Failing(
            step => step.Retry(attempts: 3, retryIf: _ => throw new InvalidOperationException("predicate failed")), _ =>
                new FormatException("body"));
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var replayed = await engine.Retrieve<Unit>("A").FailureAsync();

        Assert.Equal((1, "predicate failed", "predicate failed"), (counts["step"], failure.Message, replayed.Message));
    }

    [Fact]
    public async Task A_replay_gives_exhausted_retries_again_without_an_attempt_or_a_wait()
    {
        var workflow = Failing(step => step.Retry(attempts: 2, delay: TimeSpan.FromHours(1)), _ => new InvalidOperationException("again"));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        time.Advance(await time.NextTimerAsync());
        var failure = await handle.FailureAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.FlipAsync("A");
        engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var replayed = await engine.Retrieve<Unit>("A").FailureAsync();

        Assert.Equal(2, counts["step"]);
        Assert.Equal(failure.Message, replayed.Message);
        Assert.Equal(failure.Inner.Select(inner => inner.Message), replayed.Inner.Select(inner => inner.Message));
    }

    [Fact]
    public async Task A_wait_between_attempts_ends_with_a_cancel()
    {
        var workflow = Failing(step => step.Retry(delay: TimeSpan.FromHours(1)), _ => new InvalidOperationException("again"));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await time.NextTimerAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal((1, 0), (counts["step"], await CheckpointCountAsync("A")));
    }

    [Fact]
    public async Task A_step_taken_over_between_attempts_counts_from_one_again()
    {
        List<int> numbers = [];
        var workflow = Workflow.Define<Unit>("taken over", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        await engine.BeginAsync(workflow, default, "A");
        await time.NextTimerAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        engine = await LaunchAsync(workflow);
        await engine.Retrieve<Unit>("A").ResultAsync();

        Assert.Equal([1, 1, 2], numbers);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", s =>
            {
                numbers.Add(s.Attempt);
                return numbers.Count < 3 ? throw new InvalidOperationException("again") : Task.CompletedTask;
            }).Retry(delay: numbers.Count == 0 ? TimeSpan.FromHours(1) : TimeSpan.Zero);
        }
    }

    // A workflow of one step, whose attempts fail as the number of the entry says; null succeeds.
    private WorkflowDefinition<Unit, Unit> Failing(Func<RunStep<int>, RunStep<int>> modify, Func<int, Exception?> failure)
    {
        return Workflow.Define<Unit>("failing", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return modify(Step.Run("step", _ => Throw(failure)));
        }
    }

    private Task<int> Throw(Func<int, Exception?> failure) =>
        counts.Add("step") is var number && failure(number) is { } exception ? throw exception : Task.FromResult(number);
}
