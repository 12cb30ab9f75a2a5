using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentMessagingTests
{
    private static readonly TimeSpan TwoDays = TimeSpan.FromDays(2);

    [Fact]
    public async Task Each_part_yields_the_descriptor_of_its_name()
    {
        var definition = Workflow.Define<Order>("w")
            .Send(x => x.Input.Id, x => x.Input.Amount, "orders")
            .Receive<int>("replies").As(out var reply)
            .Receive<int>(null, TwoDays)
            .SetEvent("seen", x => x.Get(reply))
            .GetEvent<int>(x => x.Input.Id, "ready", TwoDays)
            .WriteStream("log", x => x.Get(reply) + 1)
            .CloseStream("log")
            .End();
        var driver = new BodyDriver { BuiltIn = Answer(5) };

        await driver.DriveAsync(definition, Order.Large);

        Assert.Equal(
            ["DBOS.send", "DBOS.recv", "DBOS.recv", "DBOS.setEvent", "DBOS.getEvent", "DBOS.writeStream", "DBOS.closeStream"],
            driver.Names);
        Assert.Equal(
            [new OutgoingMessage("large", 100, typeof(int), "orders", null)], ((ISendStep)driver.Yielded[0]).Messages);
        Assert.Equal(("replies", null), (((IReceiveStep)driver.Yielded[1]).Topic, ((IReceiveStep)driver.Yielded[1]).Timeout));
        Assert.Equal((null, TwoDays), (((IReceiveStep)driver.Yielded[2]).Topic, ((IReceiveStep)driver.Yielded[2]).Timeout));
        Assert.Equal(("seen", 5), (((ISetEventStep)driver.Yielded[3]).Key, ((ISetEventStep)driver.Yielded[3]).Value));
        Assert.Equal(("large", "ready"), (((IGetEventStep)driver.Yielded[4]).WorkflowId, ((IGetEventStep)driver.Yielded[4]).Key));
        Assert.Equal(("log", 6), (((IWriteStreamStep)driver.Yielded[5]).Key, ((IWriteStreamStep)driver.Yielded[5]).Value));
        Assert.Equal("log", ((ICloseStreamStep)driver.Yielded[6]).Key);
    }

    [Fact]
    public async Task What_came_and_what_did_not_can_be_read()
    {
        var definition = Workflow.Define<Order, string>("w")
            .Receive<int>("a").As(out var always)
            .Receive<int>("b", TwoDays).As(out var perhaps)
            .GetEvent<int>(x => x.Input.Id, "e", TwoDays).As(out var set)
            .Return(x => $"{x.Get(always)} {x.Get(perhaps).ValueOr(-1)} {x.Get(set).ValueOr(-2)}");

        Assert.Equal("7 7 7", await new BodyDriver { BuiltIn = Answer(7) }.DriveAsync(definition, Order.Small));
        Assert.Equal(
            "0 -1 -2",
            await new BodyDriver { BuiltIn = step => step is Step<int> ? 0 : default(Optional<int>) }.DriveAsync(definition, Order.Small));
    }

    [Fact]
    public async Task A_wait_may_fail_without_ending_the_workflow()
    {
        var definition = Workflow.Define<Order, string>("w")
            .Receive<int>("a").Try(out var outcome)
            .Return(x => x.Get(outcome).Error!.Message);

        var driver = new BodyDriver { BuiltIn = _ => throw new FormatException("no number") };

        Assert.Equal("no number", await driver.DriveAsync(definition, Order.Small));
    }

    [Fact]
    public void Arguments_are_checked_on_building()
    {
        var builder = Workflow.Define<Order>("w");

        Assert.Throws<ArgumentException>(() => builder.Send(x => x.Input.Id, _ => 1, " "));
        Assert.Throws<ArgumentException>(() => builder.Send(x => x.Input.Id, _ => 1, "__null__topic__"));
        Assert.Throws<ArgumentNullException>(() => builder.Send<int>(x => x.Input.Id, null!));
        Assert.Throws<ArgumentNullException>(() => builder.Send(null!, _ => 1));
        Assert.Throws<ArgumentException>(() => builder.Receive<int>(""));
        Assert.Throws<ArgumentException>(() => builder.Receive<int>("", TwoDays));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Receive<int>("t", TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentException>(() => builder.SetEvent("", _ => 1));
        Assert.Throws<ArgumentNullException>(() => builder.SetEvent<int>("k", null!));
        Assert.Throws<ArgumentException>(() => builder.GetEvent<int>(x => x.Input.Id, "", TwoDays));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.GetEvent<int>(x => x.Input.Id, "k", TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentException>(() => builder.WriteStream("", _ => 1));
        Assert.Throws<ArgumentException>(() => builder.CloseStream("\t"));
    }

    [Fact]
    public async Task What_is_computed_is_checked_when_the_step_is_made()
    {
        var nowhere = Workflow.Define<Order>("w").Send(_ => " ", _ => 1).End();
        var marker = Workflow.Define<Order>("w").WriteStream("k", _ => "__DBOS_STREAM_CLOSED__").End();

        await Assert.ThrowsAsync<ArgumentException>(() => BodyDriver.RunAsync(nowhere, Order.Small));
        await Assert.ThrowsAsync<ArgumentException>(() => BodyDriver.RunAsync(marker, Order.Small));
    }

    [Fact]
    public void A_wait_takes_no_retry_and_no_undo()
    {
        var wait = Workflow.Define<Order>("w").Receive<int>("approval");

        Assert.Contains("'receive approval'", Assert.Throws<InvalidOperationException>(() => wait.Retry()).Message);
        Assert.Contains(
            "'receive approval'", Assert.Throws<InvalidOperationException>(() => wait.CompensateWith(_ => Task.CompletedTask)).Message);
    }

    [Fact]
    public void The_diagram_names_topics_keys_and_limits() =>
        Snapshot.Match(
            Workflow.Define<Order>("messages")
                .Send(x => x.Input.Id, x => x.Input.Amount)
                .Send(x => x.Input.Id, x => x.Input.Amount, "orders")
                .Receive<int>()
                .Receive<int>("approval", TwoDays)
                .Receive<int>("approval", Timeout.InfiniteTimeSpan)
                .SetEvent("progress", _ => 1)
                .GetEvent<int>(x => x.Input.Id, "ready", TimeSpan.FromSeconds(1.5))
                .WriteStream("log", _ => 1)
                .CloseStream("log")
                .End()
                .ToMermaid());

    private static Func<Step, object?> Answer(int value) => step => step switch
    {
        Step<int> => value,
        Step<Optional<int>> => new Optional<int>(true, value),
        _ => default(Unit),
    };
}
