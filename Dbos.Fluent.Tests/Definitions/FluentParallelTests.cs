using System.Globalization;
using Dbos.Fluent.Definitions;
using Builder = Dbos.Fluent.WorkflowBuilder<Dbos.Fluent.Tests.Definitions.Order, int>;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentParallelTests
{
    [Fact]
    public async Task What_comes_after_reads_the_results_of_all_branches()
    {
        ResultOf<int> left = null!, right = null!;
        var definition = Workflow.Define<Order, string>("w")
            .Step("before", _ => Task.FromResult(1)).As(out var before)
            .Parallel(
                ("left", b => b.Step("l", x => Task.FromResult(x.Get(before) + 1)).Step("l2", _ => Task.FromResult(10)).As(out left)),
                ("right", b => b.Step("r", x => Task.FromResult(x.Get(before) + 2)).As(out right)))
            .Return(x => $"{x.Get(left)} {x.Get(right)}");
        var driver = new BodyDriver();

        Assert.Equal("10 3", await driver.DriveAsync(definition, Order.Small));
        Assert.Equal(["before", "l", "r", "l2"], driver.Names);
    }

    [Fact]
    public async Task A_branch_branches_loops_and_runs_branches_of_its_own()
    {
        var definition = Workflow.Define<Order>("w")
            .Parallel(
                ("a", b => b.If(x => x.Input.Amount > 10, yes => yes.Step("large", Nothing), no => no.Step("small", Nothing))),
                ("b", b => b
                    .Step("count", _ => Task.FromResult(0)).As(out var count)
                    .While(x => x.Get(count) > 0, body => body.Step("never", Nothing))
                    .Parallel(("a", c => c.Step("inner", Nothing)), ("c", c => c))))
            .Step("after", Nothing)
            .End();
        var driver = new BodyDriver();

        await driver.DriveAsync(definition, Order.Large);

        Assert.Equal(["large", "count", "inner", "after"], driver.Names);
    }

    [Fact]
    public async Task A_step_of_a_branch_that_has_not_run_is_an_error_that_names_it()
    {
        ResultOf<int> slow = null!;
        var definition = Workflow.Define<Order, int>("w")
            .Parallel(
                ("slow", b => b.Step("first", Nothing).Step("second", _ => Task.FromResult(1)).As(out slow)),
                ("fast", b => b.Step("reads", x => Task.FromResult(x.Get(slow)))))
            .Return(x => x.Get(slow));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("'second', which has not run", error.Message);
    }

    [Fact]
    public async Task A_branch_may_fail_the_workflow()
    {
        var definition = Workflow.Define<Order>("w")
            .Parallel(("a", b => b.Step("s", Nothing)), ("b", b => b.Fail(x => new NotSupportedException(x.Input.Id))))
            .End();

        var error = await Assert.ThrowsAsync<NotSupportedException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Equal("small", error.Message);
    }

    [Fact]
    public async Task Branches_may_be_driven_on_several_threads()
    {
        const int Branches = 16, Steps = 100;
        var results = new ResultOf<int>[Branches * Steps];
        var definition = Workflow.Define<Order, int>("w")
            .Parallel([.. Enumerable.Range(0, Branches).Select(i => (Text(i), (Func<Builder, Builder>)(b => Many(b, i))))])
            .Return(x => Sum(x));
        await using var body = definition.Open(Order.Small, new WorkflowContext(new FixedFacts()));
        await body.MoveNextAsync();
        var parallel = (IParallelStep)body.Step!;

        var token = TestContext.Current.CancellationToken;
        await Task.WhenAll(parallel.Branches.Select(branch => Task.Run(() => DriveAsync(branch.Open(Context())), token)));

        await body.MoveNextAsync();
        Assert.Equal(Enumerable.Range(0, Branches * Steps).Sum(), body.Result);

        static WorkflowContext Context() => new(new FixedFacts());

        Builder Many(Builder b, int i) => Enumerable.Range(0, Steps).Aggregate(
            b, (built, j) => built.Step(Text((i * Steps) + j), _ => Task.FromResult((i * Steps) + j)).As(out results[(i * Steps) + j]));

        int Sum(FlowState<Order> state) => results.Sum(state.Get);
    }

    [Fact]
    public async Task A_branch_may_have_a_context_of_its_own()
    {
        ResultOf<string> id = null!;
        var definition = Workflow.Define<Order, string>("w")
            .Parallel(("a", b => b.Then(x => Make(x.Workflow)).As(out id)))
            .Return(x => x.Get(id) + x.Workflow.UtcNow.Year);
        await using var body = definition.Open(Order.Small, new WorkflowContext(new FixedFacts()));
        await body.MoveNextAsync();

        await DriveAsync(((IParallelStep)body.Step!).Branches[0].Open(new WorkflowContext(new FixedFacts { WorkflowId = "other" })));

        await body.MoveNextAsync();
        Assert.Equal("other2026", body.Result);

        static Step<string> Make(WorkflowContext workflow) => Step.Run("s", _ => Task.FromResult(workflow.WorkflowId));
    }

    [Fact]
    public async Task Its_numbers_are_known_when_its_branches_have_ended()
    {
        var definition = Workflow.Define<Order>("w").Parallel(("a", b => b.Step("s", Nothing)), ("b", b => b.Step("t", Nothing))).End();
        var driver = new BodyDriver();
        await driver.DriveAsync(definition, Order.Small);

        Assert.Equal(("Parallel", 2), (driver.Yielded[0].Name, driver.Yielded[0].Slots));
    }

    [Fact]
    public async Task Branches_without_a_step_do_not_keep_a_loop_going_for_ever()
    {
        var definition = Workflow.Define<Order>("w").While(_ => true, body => body.Parallel(("a", b => b))).End();

        await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));
    }

    [Fact]
    public void Names_of_branches_are_checked()
    {
        var builder = Workflow.Define<Order>("w");

        Assert.Throws<ArgumentException>(() => builder.Parallel());
        Assert.Throws<ArgumentException>(() => builder.Parallel((" ", b => b)));
        Assert.Throws<ArgumentException>(() => builder.Parallel(("a\n", b => b)));
        Assert.Throws<ArgumentNullException>(() => builder.Parallel((null!, b => b)));
        Assert.Throws<ArgumentNullException>(() => builder.Parallel(("a", null!)));
        Assert.Contains("two branches 'a'", Assert.Throws<ArgumentException>(() => builder.Parallel(("a", b => b), ("a", b => b))).Message);
        builder.Parallel(("a", b => b), ("A", b => b)).Parallel(("a", b => b));
    }

    [Fact]
    public void A_step_has_another_name_than_those_of_other_branches()
    {
        Assert.Throws<ArgumentException>(() => Workflow.Define<Order>("w").Parallel(
            ("a", b => b.Step("s", Nothing)), ("b", b => b.Step("s", Nothing))));
        Assert.Throws<ArgumentException>(() => Workflow.Define<Order>("w").Parallel(("a", b => b.Step("s", Nothing))).Step("s", Nothing));
    }

    [Fact]
    public void A_branch_cannot_end_the_workflow()
    {
        var builder = Workflow.Define<Order, int>("w");

        var error = Assert.Throws<InvalidOperationException>(() => builder.Parallel(("deciding", b => b.ReturnEarly(_ => 1))));
        Assert.Contains("ReturnEarly stands in branch 'deciding'", error.Message);
        Refused(b => b.If(_ => true, yes => yes.ReturnEarly(_ => 1)));
        Refused(b => b.If(_ => true, yes => yes, no => no.ReturnEarly(_ => 1)));
        Refused(b => b.While(_ => true, body => body.ReturnEarly(_ => 1)));
        Refused(b => b.Parallel(("inner", c => c)).ReturnEarly(_ => 1));
        var ended = Refused(b =>
        {
            b.Return(_ => 1);
            return b;
        });
        Assert.Contains("Return stands in branch 'a'", ended.Message);
        builder.Parallel(("a", b => b)).If(_ => true, yes => yes.ReturnEarly(_ => 1)).Return(_ => 2);

        InvalidOperationException Refused(Func<WorkflowBuilder<Order, int>, WorkflowBuilder<Order, int>> branch) =>
            Assert.Throws<InvalidOperationException>(() => builder.Parallel(("a", branch)));
    }

    [Fact]
    public void A_branch_returns_the_builder_it_was_given() =>
        Assert.Throws<InvalidOperationException>(() => Workflow.Define<Order>("w").Parallel(("a", _ => Workflow.Define<Order>("other"))));

    [Fact]
    public void Branches_are_drawn_from_a_fork_to_a_join() =>
        Snapshot.Match(
            Workflow.Define<Order>("parallel")
                .Parallel(
                    ("pay & \"sign\" | end", b => b
                        .Step("charge", Nothing).CompensateWith(_ => Task.CompletedTask)
                        .If(x => x.Input.Amount > 10, yes => yes.Step("sign", Nothing))),
                    ("nothing", b => b),
                    ("refuse", b => b.Fail(_ => new NotSupportedException())),
                    ("ship", b => b.Parallel(("road", c => c.Step("truck", Nothing)), ("air", c => c.Step("plane", Nothing)))))
                .Step("after", Nothing)
                .End()
                .ToMermaid());

    private static Task Nothing(StepState<Order> state) => Task.CompletedTask;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task DriveAsync(IWorkflowBody body)
    {
        var run = new object();
        while (await body.MoveNextAsync())
        {
            body.Step!.Bind(run);
            body.Step.Complete(await ((IRunStep)body.Step).InvokeAsync(null!));
        }
    }
}
