using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Children by the thousand: started together, awaited together, and found again. Scenario CH-06 and around it.</summary>
public abstract class ManyChildrenSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Many = 1000;

    private readonly Counts counts = new();

    [Fact]
    public async Task A_thousand_children_are_started_in_a_few_commits_and_awaited()
    {
        var notes = new CommitNotes();
        var child = Doubling();
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(notes.Wrap, parent, child);
        var commits = 0;

        Assert.Equal($"{Many} {Many * (Many - 1)}", await engine.RunAsync(parent, Many, "P"));

        Assert.InRange(commits, 1, 20);
        Assert.Equal(2 * Many, await CheckpointCountAsync("P"));
        Assert.Equal(Many, counts["double"]);
        Assert.Equal(
            Many,
            await Database.CountAsync(
                "SELECT count(*) FROM operation_outputs WHERE workflow_uuid = 'P' AND function_name = 'double' "
                + "AND function_id < 1000 AND child_workflow_id = 'P-' || function_id"));

        async IAsyncEnumerable<StepOr<string>> Body(int count, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [.. Enumerable.Range(0, count)]).As(out var handles);
            commits = notes.CountWith("double");
            yield return Step.AwaitAll(handles.Result).As(out var results);
            yield return $"{handles.Result.Count} {results.Result.Sum()}";
        }
    }

    [Fact]
    public async Task Of_several_refused_starts_the_first_is_the_failure_and_a_replay_gives_it_again()
    {
        var child = Doubling();
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        await engine.Queues.RegisterAsync(new("q"), cancellationToken: Cancel);
        await engine.Queues.PauseAsync("q", Cancel);
        for (var held = 1; held < 20; held++)
        {
            await engine.StartAsync(child, held, Options(held), Cancel);
        }

        var first = await engine.RunAsync(parent, 20, "P");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);

        Assert.Contains("'only 1'", first);
        Assert.Equal(first, await engine.ResultAsync<string>("P"));

        static StartOptions Options(int number) => new() { Queue = "q", DeduplicationId = $"only {number}" };

        async IAsyncEnumerable<StepOr<string>> Body(int count, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [.. Enumerable.Range(0, count)], Options).Try(out var started);
            yield return started.Error!.Message;
        }
    }

    [Fact]
    public async Task A_crash_in_the_middle_of_the_starts_starts_no_child_twice()
    {
        var child = Doubling();
        var parent = Family(child);
        var engine = await LaunchAsync(parent, child);
        var first = await engine.RunAsync(parent, 50, "P");

        await Database.ForgetFromAsync("P", 50);
        await Database.ExecuteAsync("DELETE FROM operation_outputs WHERE workflow_uuid = 'P' AND function_id % 3 = 1");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);

        Assert.Equal(first, await engine.ResultAsync<string>("P"));
        Assert.Equal((51, 50), (await Database.CountAsync("SELECT count(*) FROM workflow_status"), counts["double"]));
        Assert.Equal(100, await CheckpointCountAsync("P"));
    }

    [Fact]
    public async Task A_crash_while_awaiting_awaits_the_same_children()
    {
        var gate = new Probe();
        var child = Workflow.Define<int, int>("child")
            .Step("at the gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input * 2);
        var parent = Family(child);
        var engine = await LaunchAsync(parent, child);
        await engine.BeginAsync(parent, 10, "P");
        for (var i = 0; i < 10; i++)
        {
            await gate.ReachedAsync();
        }

        engine = await RelaunchAsync(engine, parent, child);
        gate.Open();

        Assert.Equal("0,2,4,6,8,10,12,14,16,18", await engine.ResultAsync<string>("P"));
        Assert.Equal(11, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Results_come_in_the_order_listed_and_a_failure_ends_the_wait_for_all(bool fails)
    {
        var gates = Enumerable.Range(0, 4).Select(_ => new Probe()).ToArray();
        var child = Workflow.Define<int, int>("child").Step("wait", x => gates[x.Input].PassAsync(x.CancellationToken))
            .If(x => fails && x.Input < 3, failing => failing.Fail(x => new TimeoutException($"no {x.Input}"))).Return(x => x.Input);
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        for (var last = gates.Length - 1; last >= 0; last--)
        {
            await gates[last].ReachedAsync();
            gates[last].Open();
            if (fails && last <= 2)
            {
                // Two that fail at about the same time may both be recorded, and then the first in the list counts.
                Assert.Equal("no 2", await handle.ResultAsync());
                await StateAsync(engine, $"P-{last}", WorkflowState.Error);
            }
            else
            {
                await Eventually.TrueAsync(
                    async () => await CheckpointCountAsync("P") == 8 - last, Bounded.Limit, $"{last} is awaited");
            }
        }

        var first = await handle.ResultAsync();
        Assert.Equal(fails ? "no 2" : "0,1,2,3", first);
        Assert.Equal(fails ? 6 : 8, await CheckpointCountAsync("P"));
        var stored = await Database.StoredStepsAsync("P");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);

        // By now one that is listed before it has failed as well.
        Assert.Equal((first, stored), (await engine.ResultAsync<string>("P"), await Database.StoredStepsAsync("P")));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [0, 1, 2, 3]).As(out var handles);
            yield return Step.AwaitAll(handles.Result).Try(out var all);
            yield return all.Succeeded ? string.Join(',', all.Result) : all.Error!.Inner[0].Message;
        }
    }

    [Fact]
    public async Task A_child_may_be_given_options_of_its_own_by_its_input()
    {
        var child = Doubling();
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);

        Assert.Equal("mine-1,mine-2,P-2", await engine.RunAsync(parent, default, "P"));

        Assert.Equal("0 double, 1 double, 2 double", await engine.StepsAsync("P"));
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
        Assert.Equal("mine-1,mine-2,P-2", await engine.ResultAsync<string>("P"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [1, 2, 3], i => i < 3 ? new() { Id = $"mine-{i}" } : new()).As(out var handles);
            yield return string.Join(',', handles.Result.Select(handle => handle.Id));
        }
    }

    [Fact]
    public async Task A_refused_start_among_many_fails_the_step_and_a_replay_finds_it_again()
    {
        var child = Doubling();
        var other = Workflow.Define<int, int>("other").Return(x => x.Input);
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(parent, child, other);
        await engine.RunAsync(other, 1, "taken");

        var first = await engine.RunAsync(parent, default, "P");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child, other);

        Assert.Equal("ConflictingWorkflowException", first);
        Assert.Equal(first, await engine.ResultAsync<string>("P"));
        Assert.Equal("0 double, 1 double failed, 2 double", await engine.StepsAsync("P"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [0, 1, 2], i => i == 1 ? new() { Id = "taken" } : new()).Try(out var handles);
            yield return handles.Error!.TypeName.Split('.')[^1];
        }
    }

    [Fact]
    public async Task Nothing_to_start_and_nothing_to_await_take_no_number()
    {
        var child = Doubling();
        var parent = Family(child);
        var engine = await LaunchAsync(parent, child);

        Assert.Equal("", await engine.RunAsync(parent, 0, "P"));
        Assert.Equal(0, await CheckpointCountAsync("P"));
        Assert.ThrowsAny<ArgumentException>(() => Step.AwaitAny([]));
    }

    [Fact]
    public async Task Starting_many_is_a_step_of_both_forms()
    {
        var child = Doubling();
        var parent = Workflow.Define<int, string>("parent")
            .Then(x => Step.StartMany(child, [.. Enumerable.Range(0, x.Input)])).As(out var handles)
            .Then(x => Step.AwaitAny(x.Get(handles))).As(out var first)
            .Then(x => Step.AwaitAll(x.Get(handles))).As(out var results)
            .Return(x => $"{x.Get(first) >= 0} {x.Get(results).Sum()}");
        var engine = await LaunchAsync(parent, child);

        Assert.Equal("True 6", await engine.RunAsync(parent, 3, "P"));

        Assert.Equal(
            "0 double, 1 double, 2 double, 3 DBOS.waitFirst, 4 DBOS.getResult, 5 DBOS.getResult, 6 DBOS.getResult",
            await engine.StepsAsync("P"));
    }

    [Fact]
    public async Task All_outcomes_runs_all_to_their_end_and_failures_are_data()
    {
        var workflow = Workflow.Define<Unit, string>("outcomes", Body);
        var engine = await LaunchAsync(workflow);

        var first = await engine.RunAsync(workflow, default, "A");

        Assert.Equal("zero, no one, two, no three", first);
        Assert.Equal("0 zero, 1 one failed, 2 two, 3 three failed, 4 after", await engine.StepsAsync("A"));
        await Database.ForgetAsync("A", 2);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.Equal((1, 1, 2, 1), (counts["zero"], counts["one"], counts["two"], counts["three"]));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.AllOutcomes(new[] { Some("zero"), None("one"), Some("two"), None("three") }).As(out var all);
            yield return Racing.Quick("after");
            yield return string.Join(", ", all.Result.Select(one => one.Succeeded ? one.Result : one.Error!.Message));
        }

        Step<string> Some(string name) => Step.Run(name, _ => Task.FromResult(counts.Add(name, name)));

        Step<string> None(string name) => Step.Run<string>(name, async _ => throw new TimeoutException("no " + counts.Add(name, name)));
    }

    [Fact]
    public async Task All_outcomes_of_children_are_gathered_although_some_fail()
    {
        var child = Workflow.Define<int, int>("child")
            .If(x => x.Input % 2 == 1, odd => odd.Fail(x => new TimeoutException($"no {x.Input}"))).Return(x => x.Input);
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);

        var first = await engine.RunAsync(parent, default, "P");

        Assert.Equal("0,Dbos.Fluent.WorkflowFailedException,2,Dbos.Fluent.WorkflowFailedException", first);
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
        Assert.Equal(first, await engine.ResultAsync<string>("P"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [0, 1, 2, 3]).As(out var handles);
            yield return Step.AllOutcomes(handles.Result.Select(Step.Await)).As(out var all);
            yield return string.Join(',', all.Result.Select(one => one.Succeeded ? $"{one.Result}" : one.Error!.TypeName));
        }
    }

    private WorkflowDefinition<int, int> Doubling() => Workflow.Define<int, int>("double")
        .Step("double it", x => Task.FromResult(counts.Add("double", x.Input * 2))).As(out var doubled)
        .Return(x => x.Get(doubled));

    private static WorkflowDefinition<int, string> Family(WorkflowDefinition<int, int> child)
    {
        return Workflow.Define<int, string>("parent", Body);

        async IAsyncEnumerable<StepOr<string>> Body(int count, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [.. Enumerable.Range(0, count)]).As(out var handles);
            yield return Step.AwaitAll(handles.Result).As(out var results);
            yield return string.Join(',', results.Result.Select(result => result.ToString(CultureInfo.InvariantCulture)));
        }
    }
}
