using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentCompensationTests
{
    private static readonly WorkflowDefinition<int, string> Child = Workflow.Define<int, string>("child").Return(x => $"{x.Input}");
    private readonly List<string> undone = [];

    [Fact]
    public async Task An_undo_knows_the_input_the_result_and_what_came_before()
    {
        ResultOf<int> charged = null!;
        var definition = Workflow.Define<Order>("w")
            .Step("reserve", _ => Task.FromResult("r")).As(out var reserved)
                .CompensateWith(x => Note($"release {x.Input.Id} {x.Get(reserved)} at {x.Step.Sequence}"))
            .Step("charge", x => Task.FromResult(x.Input.Amount)).As(out charged)
                .CompensateWith((x, amount) => Note($"refund {amount} {x.Get(reserved)} {x.Get(charged)}"))
            .Step("never undone", _ => Task.CompletedTask)
            .End();

        await RunAndUndoAsync(definition, Order.Large);

        Assert.Equal(["refund 100 r 100", "release large r at 4"], undone);
    }

    [Fact]
    public async Task An_undo_of_each_pass_sees_that_pass()
    {
        ResultOf<int> number = null!;
        var passes = 0;
        var definition = Workflow.Define<Order>("w")
            .Step("zero", _ => Task.FromResult(0)).As(out var zero)
            .While(x => passes < 3, body => body
                .Step("number", _ => Task.FromResult(++passes)).As(out number)
                .Step("use", _ => Task.FromResult(passes * 10))
                    .CompensateWith((x, used) => Note($"{x.Get(number)} {used} {x.Get(zero)}")))
            .End();

        await RunAndUndoAsync(definition, Order.Small);

        Assert.Equal(["3 30 0", "2 20 0", "1 10 0"], undone);
    }

    [Fact]
    public async Task Each_item_is_undone_with_its_own_result()
    {
        var definition = Workflow.Define<Order>("w")
            .ForEach(x => x.Input.Items, "pack", (item, _) => Task.FromResult($"packed {item}"))
                .CompensateWith((_, packed) => Note(Assert.Single(packed)))
            .End();

        await RunAndUndoAsync(definition, Order.Large);

        Assert.Equal(["packed c", "packed b", "packed a"], undone);
    }

    [Fact]
    public async Task A_call_is_undone_with_its_childs_result()
    {
        var definition = Workflow.Define<Order>("w").Call(Child, x => x.Input.Amount).CompensateWith((_, done) => Note(done)).End();

        await RunAndUndoAsync(definition, Order.Small, _ => "shipped");

        Assert.Equal(["shipped"], undone);
    }

    [Fact]
    public async Task A_made_step_is_undone_by_what_follows_it_and_otherwise_by_its_own()
    {
        var definition = Workflow.Define<Order>("w")
            .Then(_ => Step.Run("a", s => Task.FromResult(1)).CompensateWith(s => Note("own a")))
            .Then(_ => Step.Run("b", s => Task.FromResult(2)).CompensateWith(s => Note("own b"))).CompensateWith(_ => Note("b"))
            .Then(_ => Step.Call(Child, 3)).CompensateWith(_ => Note("c"))
            .Then(_ => Step.Run("d", s => Task.FromResult(4)).CompensateWith(s => Note("own d"))).Retry()
            .End();

        await RunAndUndoAsync(definition, Order.Small, _ => "");

        Assert.Equal(["own d", "c", "b", "own a"], undone);
    }

    [Fact]
    public async Task A_made_step_that_cannot_be_undone_fails_the_run()
    {
        var definition = Workflow.Define<Order>("w").Then(_ => Step.Sleep(default)).CompensateWith(_ => Note("never")).End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("'DBOS.sleep' takes no CompensateWith", error.Message);
    }

    [Fact]
    public async Task A_made_call_takes_no_retry_even_with_an_undo()
    {
        var definition = Workflow.Define<Order>("w").Then(_ => Step.Call(Child, 3)).CompensateWith(_ => Note("never")).Retry().End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("takes no Retry", error.Message);
    }

    [Fact]
    public async Task Modifiers_come_in_any_order()
    {
        StepBuilder<Order, Unit, int> Begin() => Workflow.Define<Order>("w").Step("s", _ => Task.FromResult(1));

        StepBuilder<Order, Unit, int>[] orders =
        [
            Begin().Retry(5).Timeout(TimeSpan.FromSeconds(1)).CompensateWith(_ => Note("u")).Try(out _).As(out _),
            Begin().As(out _).Try(out _).CompensateWith(_ => Note("u")).Timeout(TimeSpan.FromSeconds(1)).Retry(5),
            Begin().CompensateWith((_, _) => Note("other")).Retry(5).Try(out _).CompensateWith((_, _) => Note("u"))
                .Timeout(TimeSpan.FromSeconds(1)),
        ];
        foreach (var order in orders)
        {
            var step = await RunAndUndoAsync(order.End(), Order.Small);

            Assert.True(step.Tolerant);
            Assert.Equal((5, TimeSpan.FromSeconds(1)), (((IRunStep)step).Options.Retry?.Attempts, ((IRunStep)step).Options.Timeout));
        }

        Assert.Equal(["u", "u", "u"], undone);
    }

    [Fact]
    public async Task An_undo_that_returns_no_task_is_told_so()
    {
        var definition = Workflow.Define<Order>("w").Step("s", _ => Task.CompletedTask).CompensateWith(_ => null!).End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => RunAndUndoAsync(definition, Order.Small));

        Assert.Contains("undo of step 's'", error.Message);
    }

    [Fact]
    public void An_undo_is_given_where_there_is_something_to_undo()
    {
        Assert.Throws<ArgumentNullException>(() =>
            Workflow.Define<Order>("w").Step("s", _ => Task.CompletedTask).CompensateWith((Func<StepState<Order>, Task>)null!));
        Assert.Throws<InvalidOperationException>(() =>
            Workflow.Define<Order>("w").Start(Child, _ => 1).CompensateWith(_ => Task.CompletedTask));
    }

    private async Task<Step> RunAndUndoAsync(WorkflowDefinition<Order, Unit> definition, Order order, Func<Step, object?>? builtIn = null)
    {
        var driver = new BodyDriver { BuiltIn = builtIn ?? (_ => default(Unit)) };
        await driver.DriveAsync(definition, order);
        await driver.UndoAsync();
        return driver.Yielded[^1];
    }

    private Task Note(string undo)
    {
        undone.Add(undo);
        return Task.CompletedTask;
    }
}
