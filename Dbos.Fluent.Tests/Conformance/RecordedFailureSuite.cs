namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Failures as other engines and later runs see them. Scenario SZ-02.</summary>
public abstract class RecordedFailureSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task A_type_of_the_users_own_is_seen_elsewhere_with_its_bases_and_inner_failures()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit>("failing").Step("step", async x =>
        {
            await gate.PassAsync(x.CancellationToken);
            throw new PaymentDeclinedException("card 4711", new TimeoutException("bank", new IOException("wire")));
        }).End();
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        // Only whoever waits already when it fails is shown the exception itself.
        var waiting = Assert.ThrowsAsync<WorkflowFailedException>(() => handle.ResultAsync());
        gate.Open();
        var here = await waiting;
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2");

        var there = await Assert.ThrowsAsync<WorkflowFailedException>(() => other.Retrieve<Unit>("A").ResultAsync());

        Assert.IsType<PaymentDeclinedException>(here.InnerException);
        Assert.Null(there.InnerException);
        Assert.Equal(Text(here.Failure), Text(there.Failure));
        Assert.Equal(typeof(PaymentDeclinedException).FullName, there.Failure.TypeName);
        Assert.Equal("Payment with card 4711 was declined.", there.Failure.Message);
        Assert.Contains(nameof(RecordedFailureSuite), there.Failure.StackTrace);
        Assert.True(there.Failure.Is<PaymentDeclinedException>());
        Assert.True(there.Failure.Is<PaymentException>());
        Assert.True(there.Failure.Is<TimeoutException>());
        Assert.True(there.Failure.Is<IOException>());
        Assert.True(there.Failure.Is<Exception>());
        Assert.False(there.Failure.Is<InvalidOperationException>());
    }

    [Fact]
    public async Task A_type_that_nobody_knows_is_still_a_failure_with_its_name_and_message()
    {
        var workflow = Failing(() => new PaymentDeclinedException("card 4711", null));
        var engine = await LaunchAsync(workflow);
        var handle = await engine.StartAsync(workflow, default, new() { Id = "A", Format = PayloadFormat.PortableJson }, Cancel);
        await handle.FailureAsync();
        await Database.ExecuteAsync(
            "UPDATE workflow_output SET error = replace(replace(error, 'PaymentDeclined', 'Unheard'), 'PaymentEx', 'OddEx')");
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        engine = await LaunchAsync(workflow);

        var failure = await engine.Retrieve<Unit>("A").FailureAsync();

        Assert.Contains("UnheardException", failure.TypeName);
        Assert.Equal("Payment with card 4711 was declined.", failure.Message);
        Assert.False(failure.Is<PaymentException>());
    }

    [Fact]
    public async Task The_same_failure_is_seen_on_the_first_run_and_on_a_replay()
    {
        List<string> seen = [];
        var workflow = Workflow.Define<Unit>("looking", Body);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        await engine.Retrieve<Unit>("A").ResultAsync();

        Assert.Equal(2, seen.Count);
        Assert.Equal(seen[0], seen[1]);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run(
                "step", _ => throw new PaymentDeclinedException("4711", new AggregateException(new IOException("a"), new IOException("b"))))
                .Try(out var step);
            var failed = Assert.Throws<StepFailedException>(() => step.Result);
            seen.Add($"{failed.Message} {failed.InnerException is null} {Text(step.Error!)} {Text(failed.Failure)}");
        }
    }

    [Fact]
    public async Task A_child_call_that_failed_holds_the_childs_failure()
    {
        var child = Failing(() => new PaymentDeclinedException("4711", null));
        var parent = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        var here = await handle.FailureAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        engine = await LaunchAsync(parent, child);

        var there = await engine.Retrieve<Unit>("P").FailureAsync();

        Assert.Equal("Dbos.Fluent.WorkflowFailedException", there.TypeName);
        Assert.Equal(Text(here), Text(there));
        Assert.Equal(typeof(PaymentDeclinedException).FullName, Assert.Single(there.Inner).TypeName);
        Assert.True(there.Is<PaymentException>());

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Call(child, default);
        }
    }

    [Fact]
    public async Task A_broken_replay_is_an_unexpected_step_with_its_facts_in_every_process()
    {
        var old = One("old name");
        var engine = await LaunchAsync(old);
        await engine.RunAsync(old, default, "A");
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.FlipAsync("A");
        engine = await LaunchAsync(One("new name"));
        var here = await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.Retrieve<Unit>("A").ResultAsync());
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2");

        var there = await Assert.ThrowsAsync<UnexpectedStepException>(() => other.Retrieve<Unit>("A").ResultAsync());

        Assert.Equal(("A", 0, "new name", "old name"), (there.WorkflowId, there.Sequence, there.ExpectedStep, there.RecordedStep));
        Assert.Equal(here.Message, there.Message);
        Assert.Equal("old name", await Database.ScalarAsync("SELECT function_name FROM operation_outputs"));
    }

    [Fact]
    public async Task Exceptions_of_ours_that_a_step_meets_keep_their_facts()
    {
        List<string> seen = [];
        var first = One("step");
        var other = Failing(() => new IOException("never"));
        var parent = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(first, other, parent);
        await engine.RunAsync(first, default, "taken");

        await engine.RunAsync(parent, default, "P");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, first, other);
        await engine.Retrieve<Unit>("P").ResultAsync();

        const string Conflict = "ConflictingWorkflowException: taken failing one";
        const string InUse = "WorkflowIdInUseException: taken one Success";
        Assert.Equal([Conflict, InUse, Conflict, InUse], seen);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(other, default, new() { Id = "taken" }).Try(out var conflict);
            var conflicting = Assert.Throws<ConflictingWorkflowException>(() => conflict.Result);
            seen.Add($"{conflicting.GetType().Name}: {conflicting.WorkflowId} {conflicting.StartedName} {conflicting.ExistingName}");
            yield return Step.Start(first, default, new() { Id = "taken", IdReuse = IdReuse.Reject }).Try(out var inUse);
            var used = Assert.Throws<WorkflowIdInUseException>(() => inUse.Result);
            seen.Add($"{used.GetType().Name}: {used.WorkflowId} {used.ExistingName} {used.State}");
        }
    }

    [Fact]
    public async Task A_failure_of_huge_size_is_stored_and_given_back()
    {
        var text = new string('x', 2_000_000) + "\0\u0001\ud83d\ude00";
        var workflow = Failing(() => new IOException(text));
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        Assert.Equal(text, (await handle.FailureAsync()).Message);
        Assert.Equal(text, (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
    }

    [Fact]
    public async Task A_failure_whose_own_members_throw_is_a_failure_all_the_same()
    {
        var workflow = Failing(() => new BrokenException());
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        Assert.True((await handle.FailureAsync()).Is<BrokenException>());
    }

    [Fact]
    public async Task A_failure_that_cannot_be_printed_is_retried_all_the_same()
    {
        var workflow = Workflow.Define<Unit, int>("retried")
            .Step("step", x => x.Attempt == 1 ? throw new BrokenException() : Task.FromResult(x.Attempt))
            .Retry(attempts: 2, delay: TimeSpan.Zero).As(out var attempt)
            .Return(x => x.Get(attempt));
        var engine = await LaunchAsync(workflow);

        Assert.Equal(2, await engine.RunAsync(workflow, default, "A"));
        Assert.True(Log.Has(1101));
    }

    private static WorkflowDefinition<Unit, Unit> One(string step)
    {
        return Workflow.Define<Unit>("one", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run(step, _ => Task.CompletedTask);
        }
    }

    private static WorkflowDefinition<Unit, Unit> Failing(Func<Exception> exception)
    {
        return Workflow.Define<Unit>("failing", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", Task (_) => throw exception());
        }
    }

    private static string Text(RecordedFailure failure) =>
        $"{failure.TypeName}: {failure.Message} ({failure.Code}, {failure.Data}) at {failure.StackTrace} "
        + $"[{string.Join(", ", failure.Inner.Select(Text))}]";

    private class PaymentException(string message, Exception? inner) : Exception(message, inner);

    private sealed class PaymentDeclinedException(string card, Exception? inner) : PaymentException(
        $"Payment with {card} was declined.", inner);

    private sealed class BrokenException : Exception
    {
        public override string Message => throw new InvalidOperationException("no message");

        public override string? StackTrace => throw new InvalidOperationException("no stack");

        public override string ToString() => "For the log.";
    }
}
