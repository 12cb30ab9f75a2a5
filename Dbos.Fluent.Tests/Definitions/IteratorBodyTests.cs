namespace Dbos.Fluent.Tests.Definitions;

public sealed class IteratorBodyTests
{
    [Fact]
    public async Task An_iterator_and_a_fluent_definition_yield_the_same_steps()
    {
        var iterator = new BodyDriver();
        var fluent = new BodyDriver();

        var expected = await iterator.DriveAsync(Workflow.Define<Order, string>("w", ByHand), Order.Large);
        var actual = await fluent.DriveAsync(Fluent(), Order.Large);

        Assert.Equal(expected, actual);
        Assert.Equal(iterator.Names, fluent.Names);
        Assert.Equal(iterator.Yielded.Select(step => step.Slots), fluent.Yielded.Select(step => step.Slots));
    }

    [Fact]
    public async Task An_iterator_with_a_result_type_that_ends_without_one_says_so()
    {
        var definition = Workflow.Define<Order, string>("w", (order, workflow) => Nothing<StepOr<string>>());

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("'w' ended without a result", error.Message);
    }

    [Fact]
    public async Task An_iterator_without_a_result_type_just_ends() =>
        Assert.Equal(default, await BodyDriver.RunAsync(Workflow.Define<Order>("w", (order, workflow) => Nothing<Step>()), Order.Small));

    [Fact]
    public async Task What_comes_after_a_yielded_result_never_runs()
    {
        var ran = false;
        var definition = Workflow.Define<Order, int>("w", (order, workflow) => Body());

        Assert.Equal(1, await BodyDriver.RunAsync(definition, Order.Small));
        Assert.False(ran);

        async IAsyncEnumerable<StepOr<int>> Body()
        {
            await Task.Yield();
            yield return 1;
            ran = true;
        }
    }

    [Fact]
    public async Task Yielding_nothing_by_mistake_says_so()
    {
        var definition = Workflow.Define<Order, int>("w", (order, workflow) => One<StepOr<int>>(default));
        var withoutResult = Workflow.Define<Order>("w", (order, workflow) => One<Step>(null!));

        await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));
        await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(withoutResult, Order.Small));
    }

    [Fact]
    public async Task A_result_of_an_interface_type_is_yielded_by_name()
    {
        var definition = Workflow.Define<Order, IReadOnlyList<string>>(
            "w", (order, workflow) => One(StepOr.Result<IReadOnlyList<string>>(order.Items)));

        Assert.Equal(["a"], await BodyDriver.RunAsync(definition, Order.Small));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a\u0000b")]
    public void A_definitions_name_is_checked(string name)
    {
        Assert.Throws<ArgumentException>(() => Workflow.Define<Order, string>(name, ByHand));
        Assert.Throws<ArgumentException>(() => Workflow.Define<Order>(name, (order, workflow) => Nothing<Step>()));
    }

    private static async IAsyncEnumerable<StepOr<string>> ByHand(Order order, WorkflowContext workflow)
    {
        yield return Step.Run("price", _ => Task.FromResult(order.Amount * 2)).As(out var price);
        if (price.Result > 10)
        {
            yield return Step.Sleep(TimeSpan.FromDays(1));
        }

        yield return Step.All(order.Items.Select(item => Step.Run("pack", _ => Task.FromResult(item + price.Result)))).As(out var packed);
        yield return Step.Run("mail", _ => Task.FromException(new NotSupportedException())).Try(out var mail);
        yield return string.Join(' ', packed.Result) + mail.Succeeded;

        await Task.CompletedTask;
    }

    private static WorkflowDefinition<Order, string> Fluent() =>
        Workflow.Define<Order, string>("w")
            .Step("price", x => Task.FromResult(x.Input.Amount * 2)).As(out var price)
            .If(x => x.Get(price) > 10, large => large.Sleep(TimeSpan.FromDays(1)))
            .ForEach(x => x.Input.Items, "pack", (item, x) => Task.FromResult(item + x.Get(price))).As(out var packed)
            .Step("mail", _ => Task.FromException(new NotSupportedException())).Try(out var mail)
            .Return(x => string.Join(' ', x.Get(packed)) + x.Get(mail).Succeeded);

    private static async IAsyncEnumerable<T> Nothing<T>()
    {
        await Task.Yield();
        yield break;
    }

    private static async IAsyncEnumerable<T> One<T>(T item)
    {
        await Task.Yield();
        yield return item;
    }
}
