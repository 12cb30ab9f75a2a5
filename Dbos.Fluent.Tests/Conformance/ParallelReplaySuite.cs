using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Parallel branches after a crash: what runs again, what does not, and what their code sees.</summary>
public abstract class ParallelReplaySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_step_whose_outcome_is_missing_runs_again_and_no_other(int missing)
    {
        ResultOf<string> s0 = null!, s1 = null!, s2 = null!, s3 = null!, s4 = null!, s5 = null!, s6 = null!;
        var workflow = Workflow.Define<Unit, string>("partial")
            .Parallel(
                ("left", b => b.Step("S0", _ => Counted("S0")).As(out s0).Step("S3", x => Counted("S3")).As(out s3)
                    .Step("S6", x => Counted("S6 after " + x.Get(s3))).As(out s6)),
                ("middle", b => b.Step("S1", _ => Counted("S1")).As(out s1).Step("S4", _ => Counted("S4")).As(out s4)),
                ("right", b => b.Parallel(
                    ("inner", n => n.Step("S2", _ => Counted("S2")).As(out s2)),
                    ("other", n => n.Step("S5", _ => Counted("S5")).As(out s5)))))
            .Return(x => string.Join(',', x.Get(s0), x.Get(s1), x.Get(s2), x.Get(s3), x.Get(s4), x.Get(s5), x.Get(s6)));
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "A");
        var steps = await engine.StepsAsync("A");
        Assert.Equal("0 S0, 1 S1, 2 S2, 3 S3, 4 S4, 5 S5, 6 S6", steps);

        await Database.ForgetAsync("A", missing);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.Equal(steps, await engine.StepsAsync("A"));
        var ran = Enumerable.Range(0, 7).Select(i => counts[i == 6 ? "S6 after S3" : $"S{i}"]);
        Assert.Equal(Enumerable.Range(0, 7).Select(i => i == missing ? 2 : 1), ran);
    }

    [Fact]
    public async Task Each_branch_of_a_branch_has_random_numbers_of_its_own()
    {
        List<ResultOf<string>> all = [];
        var workflow = Workflow.Define<Unit, string>("nested")
            .Parallel(
                ("a", a => Numbered(a.Parallel(
                    ("a0", b => Numbered(b.Parallel(("a00", c => Numbered(c)), ("a01", c => Numbered(c))))),
                    ("a1", b => Numbered(b))))),
                ("b", b => Numbered(b)))
            .Step("whole", x => Task.FromResult(x.Workflow.NewGuid().ToString())).As(out var whole)
            .Return(x => string.Join(' ', all.Select(one => x.Get(one)).Append(x.Get(whole))));
        var engine = await LaunchAsync(workflow);

        var first = await engine.RunAsync(workflow, default, "A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal(7, first.Split(' ').Distinct().Count());
        Assert.Equal(first, await engine.ResultAsync<string>("A"));

        WorkflowBuilder<Unit, string> Numbered(WorkflowBuilder<Unit, string> branch)
        {
            var named = branch.Step($"number {all.Count}", x => Task.FromResult(x.Workflow.NewGuid().ToString())).As(out var number);
            all.Add(number);
            return named;
        }
    }

    [Fact]
    public async Task A_crash_in_the_middle_of_two_branches_goes_on_in_both()
    {
        var (left, right) = (new Probe(), new Probe());
        var workflow = Workflow.Define<Unit, int>("crashed")
            .Parallel(
                ("left", b => b.Step("l0", _ => Counted("l0")).Step("l1", x => left.PassAsync(x.CancellationToken))),
                ("right", b => b.Step("r0", x => right.PassAsync(x.CancellationToken)).Step("r1", _ => Counted("r1"))))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await left.ReachedAsync();
        await right.ReachedAsync();

        engine = await RelaunchAsync(engine, workflow);
        await left.ReachedAsync();
        await right.ReachedAsync();
        right.Open();
        left.Open();

        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal((1, 1), (counts["l0"], counts["r1"]));
        Assert.Equal("0 l0, 1 r0, 2 l1, 3 r1", await engine.StepsAsync("A"));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("in a branch of the branch")]
    [InlineData("in a group")]
    public async Task A_replay_that_finds_a_failure_starts_nothing_that_was_not_recorded(string where)
    {
        var workflow = Failing(where);
        var engine = await LaunchAsync(workflow);
        Assert.Equal("as asked", (await (await engine.BeginAsync(workflow, default, "A")).FailureAsync()).Message);
        var begun = counts["begun"];
        var stored = await Database.StoredStepsAsync("A");

        for (var round = 0; round < 3; round++)
        {
            engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
            Assert.Equal("as asked", (await engine.Retrieve<int>("A").FailureAsync()).Message);
        }

        Assert.Equal(begun, counts["begun"]);
        Assert.Equal(stored, await Database.StoredStepsAsync("A"));
    }

    [Fact]
    public async Task What_the_code_of_a_branch_reads_does_not_depend_on_which_was_faster()
    {
        var (left, right) = (new Probe(), new Probe());
        var workflow = Facts(left, right);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await left.ReachedAsync();
        await right.ReachedAsync();
        right.Open();
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 3, Bounded.Limit, "the right branch is done");
        left.Open();
        var first = await handle.ResultAsync();

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        await Database.ForgetAsync("A", 3);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var partly = await engine.ResultAsync<string>("A");

        // The left branch and the ids and numbers of the right one; its second moment is that of a step that ran again.
        Assert.Equal(first.Split(';')[0], partly.Split(';')[0]);
        Assert.Equal(first.Split(';')[1].Split('|')[1..3], partly.Split(';')[1].Split('|')[1..3]);
        Assert.NotEqual(first.Split(';')[0].Split('|')[1], first.Split(';')[1].Split('|')[1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Items_are_worked_on_so_many_at_a_time_and_numbered_in_their_order(int maxParallel)
    {
        var (running, most) = (0, 0);
        var expected = Math.Min(maxParallel, 12);
        var here = new Meeting(expected);
        var workflow = Workflow.Define<Unit, string>("items")
            .ForEach(_ => Enumerable.Range(0, 12), "item", EachAsync, maxParallel).As(out var items)
            .Step("after", _ => Task.CompletedTask)
            .Return(x => string.Join(',', x.Get(items)));
        var engine = await LaunchAsync(workflow);

        Assert.Equal("0,1,2,3,4,5,6,7,8,9,10,11", await engine.RunAsync(workflow, default, "A"));

        Assert.Equal(expected, most);
        Assert.EndsWith("11 item, 12 after", await engine.StepsAsync("A"));
        await Database.ForgetAsync("A", 5);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("0,1,2,3,4,5,6,7,8,9,10,11", await engine.ResultAsync<string>("A"));
        Assert.Equal((13, 2), (counts["each"], counts["5"]));

        async Task<int> EachAsync(int item, StepState<Unit> step)
        {
            var now = Interlocked.Increment(ref running);
            for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
            {
                Interlocked.CompareExchange(ref most, now, seen);
            }

            counts.Add("each");
            counts.Add(item.ToString(CultureInfo.InvariantCulture));
            here.Arrive();
            await here.AllAreHere;
            Interlocked.Decrement(ref running);
            return item;
        }
    }

    [Fact]
    public async Task A_failing_branch_does_not_leave_memory_with_what_its_siblings_wait_for()
    {
        var workflow = Workflow.Define<Unit, int>("impatient")
            .Parallel(
                ("sleeps", b => b.Sleep(TimeSpan.FromHours(1))),
                ("receives", b => b.Receive<int>("t", TimeSpan.FromHours(1))),
                ("fails", b => b.Step<int>("fails", async _ =>
                {
                    await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 2, Bounded.Limit);
                    throw new TimeoutException("as asked");
                })))
            .Return(_ => 1);
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, workflow);

        var handle = await engine.BeginAsync(workflow, default, "A");

        Assert.Equal("as asked", (await handle.FailureAsync()).Message);
    }

    [Fact]
    public async Task Branches_that_only_wait_leave_memory_and_come_back_one_by_one()
    {
        ResultOf<string> one = null!;
        ResultOf<Optional<string>> two = null!;
        var workflow = Workflow.Define<Unit, string>("parked")
            .Parallel(
                ("one", b => b.Receive<string>("one").As(out one).Step("took one", _ => Counted("one"))),
                ("two", b => b.Receive<string>("two", TimeSpan.FromHours(1)).As(out two).Step("took two", _ => Counted("two"))))
            .Return(x => $"{x.Get(one)} {x.Get(two).Value}");
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, workflow);
        await engine.BeginAsync(workflow, default, "A");
        await StateAsync(engine, "A", WorkflowState.Delayed);

        await engine.SendAsync("A", "second", "two", cancellationToken: Cancel).Within(Bounded.Limit);
        await Eventually.TrueAsync(async () => (await engine.StepsAsync("A")).Contains("took two"), Bounded.Limit);
        await StateAsync(engine, "A", WorkflowState.Delayed);
        await engine.SendAsync("A", "first", "one", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal("first second", await engine.ResultAsync<string>("A"));
        Assert.Equal((1, 1), (counts["one"], counts["two"]));
        Assert.Equal("0 DBOS.recv, 1 DBOS.recv, 3 DBOS.sleep, 4 took one, 5 took two", await engine.StepsAsync("A"));
    }

    private static WorkflowDefinition<Unit, string> Facts(Probe left, Probe right)
    {
        var seen = new[] { new ResultOf<string>[2], new ResultOf<string>[2] };
        return Workflow.Define<Unit, string>("facts")
            .Step("before", _ => Task.CompletedTask)
            .Parallel(
                ("left", b => Branch(b, "left", left, seen[0])),
                ("right", b => Branch(b, "right", right, seen[1])))
            .Return(x => string.Join(';', seen.Select(branch => string.Join('|', branch.Select(x.Get)))));

        static WorkflowBuilder<Unit, string> Branch(
            WorkflowBuilder<Unit, string> builder, string name, Probe gate, ResultOf<string>[] seen) => builder
            .Then(x => Told(name, 0, x.Workflow, gate.PassAsync)).As(out seen[0])
            .Then(x => Told(name, 1, x.Workflow, _ => Task.CompletedTask)).As(out seen[1]);

        static Step<string> Told(string name, int number, WorkflowContext context, Func<CancellationToken, Task> pass)
        {
            var facts = string.Create(CultureInfo.InvariantCulture, $"{context.UtcNow:O}|{context.NewGuid()}|{context.Random.Next()}");
            return Step.Run($"{name} {number}", async s =>
            {
                await pass(s);
                return facts;
            });
        }
    }

    private WorkflowDefinition<Unit, int> Failing(string where)
    {
        var here = new Meeting(1);
        return Workflow.Define<Unit, int>("fails")
            .Parallel(
                ("waits", b => b.Step("recorded", _ => Task.CompletedTask).Step("waits", async x =>
                {
                    counts.Add("begun");
                    here.Arrive();
                    await new TaskCompletionSource().Task.WaitAsync(x.CancellationToken);
                })),
                ("fails", b => where switch
                {
                    "plain" => b.Step<int>("fails", FailAsync),
                    "in a group" => b.Then(_ => Step.All(Step.Run<int>("fails", _ => FailAsync(null)), Step.Run("beside", async s =>
                    {
                        await new TaskCompletionSource().Task.WaitAsync(s);
                        return 1;
                    }))),
                    _ => b.Parallel(("inner", n => n.Step<int>("fails", FailAsync)), ("empty", n => n)),
                }))
            .Return(_ => 1);

        async Task<int> FailAsync(StepState<Unit>? step)
        {
            await here.AllAreHere;
            throw new TimeoutException("as asked");
        }
    }

    private Task<string> Counted(string name) => Task.FromResult(counts.Add(name, name[..2]));
}
