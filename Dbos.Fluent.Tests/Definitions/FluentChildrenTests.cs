using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentChildrenTests
{
    private static readonly WorkflowDefinition<int, string> Child = Workflow.Define<int, string>("child").Return(x => $"{x.Input}");

    [Fact]
    public async Task Call_yields_the_childs_start_and_result_with_computed_input_and_options()
    {
        var definition = Workflow.Define<Order, string>("w")
            .Call(Child, x => x.Input.Amount + 1, x => new StartOptions { Id = $"child-of-{x.Input.Id}" }).As(out var answer)
            .Return(x => x.Get(answer));
        var driver = new BodyDriver { BuiltIn = step => $"{((ICallStep)step).Options.Id} {((ICallStep)step).Input}" };

        Assert.Equal("child-of-large 101", await driver.DriveAsync(definition, Order.Large));
        Assert.Equal(["child"], driver.Names);
        Assert.Equal(2, driver.Yielded[0].Slots);
    }

    [Fact]
    public async Task A_child_without_options_is_started_with_the_defaults()
    {
        var definition = Workflow.Define<Order>("w").Call(Child, x => x.Input.Amount).End();
        var driver = new BodyDriver { BuiltIn = _ => "" };

        await driver.DriveAsync(definition, Order.Small);

        Assert.Equal(new StartOptions(), ((ICallStep)driver.Yielded[0]).Options);
    }

    [Fact]
    public async Task Start_gives_a_handle_that_Await_waits_on()
    {
        var definition = Workflow.Define<Order, string>("w")
            .Start(Child, x => x.Input.Amount).As(out var handle)
            .Await(handle).As(out var answer)
            .Return(x => x.Get(handle).Id + " " + x.Get(answer));
        var driver = new BodyDriver
        {
            BuiltIn = step => step is AwaitStep<string> awaiting
                ? "answer of " + awaiting.WorkflowId
                : new WorkflowHandle<string>("w-0", NoOutcomes.Instance),
        };

        Assert.Equal("w-0 answer of w-0", await driver.DriveAsync(definition, Order.Small));
        Assert.Equal(["child", "DBOS.getResult"], driver.Names);
    }

    [Fact]
    public async Task One_child_may_be_called_more_than_once()
    {
        var definition = Workflow.Define<Order>("w").Call(Child, _ => 1).Call(Child, _ => 2).End();
        var driver = new BodyDriver { BuiltIn = _ => "" };

        await driver.DriveAsync(definition, Order.Small);

        Assert.Equal(["child", "child"], driver.Names);
    }

    [Fact]
    public void A_declaration_has_a_name_a_format_and_no_body()
    {
        var declared = Workflow.Declare<int, string>("elsewhere", PayloadFormat.PortableJson);

        Assert.Equal(("elsewhere", PayloadFormat.PortableJson, false), (declared.Name, declared.Format, declared.HasBody));
        Assert.Equal(PayloadFormat.MessagePack, Child.Format);
        Assert.Equal("", declared.Fingerprint);
        Assert.False(declared.Shape.HasFingerprint);
    }

    [Fact]
    public void A_declaration_is_checked()
    {
        Assert.Throws<ArgumentException>(() => Workflow.Declare<int, string>(" "));
        Assert.Throws<ArgumentOutOfRangeException>(() => Workflow.Declare<int, string>("w", (PayloadFormat)9));
    }
}
