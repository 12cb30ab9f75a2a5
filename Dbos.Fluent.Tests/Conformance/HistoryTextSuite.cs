namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Histories as text: the same for both forms of a workflow and on every store, so each is compared with one file.</summary>
public abstract class HistoryTextSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, string> Pack = Workflow.Define<int, string>("pack")
        .Step("wrap", x => Task.FromResult($"parcel of {x.Input}")).As(out var parcel)
        .Return(x => x.Get(parcel));

    private static readonly WorkflowDefinition<string, int> Refuse = Workflow.Define<string, int>("refuse")
        .Step("look", _ => Task.FromResult(true))
        .Fail(x => new InvalidOperationException($"{x.Input} is refused", new FormatException("too heavy")))
        .Return(_ => 0);

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_workflow_with_steps_of_every_kind(Form form)
    {
        var counts = new Counts();
        var workflow = form.Pick(
            Workflow.Define<Order, Receipt>("checkout", (order, _) => Checkout(order, counts)), FluentCheckout(counts));
        var engine = await LaunchAsync(workflow, Pack);

        await engine.RunAsync(workflow, new Order("o-1", ["tea", "milk"]), "order-1");

        Snapshot.Match((await engine.GetHistoryAsync("order-1", Cancel)).ToString());
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_workflow_that_fails_with_its_retries(Form form)
    {
        var workflow = form.Pick(
            Workflow.Define<string, int>("charge", ChargeBody),
            Workflow.Define<string, int>("charge")
                .Step("open", x => Task.FromResult(x.Input))
                .Step("pay", x => Decline(x.Attempt)).Retry(attempts: 3, delay: TimeSpan.Zero).As(out var paid)
                .Return(x => x.Get(paid)));
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, "o-1", "order-1")).FailureAsync();

        Snapshot.Match((await engine.GetHistoryAsync("order-1", Cancel)).ToString());
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_workflow_that_fails_with_its_child(Form form)
    {
        var workflow = form.Pick(
            Workflow.Define<string, int>("send", SendBody),
            Workflow.Define<string, int>("send").Call(Refuse, x => x.Input).As(out var called).Return(x => x.Get(called)));
        var engine = await LaunchAsync(workflow, Refuse);

        await (await engine.BeginAsync(workflow, "a piano", "order-1")).FailureAsync();

        Snapshot.Match(await engine.GetHistoryAsync("order-1", Cancel) + "\n" + await engine.GetHistoryAsync("order-1-0", Cancel));
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_workflow_that_starts_a_child_and_awaits_it_later(Form form)
    {
        var workflow = form.Pick(
            Workflow.Define<int, string>("later", LaterBody),
            Workflow.Define<int, string>("later")
                .Start(Pack, x => x.Input).As(out var handle)
                .Step("between", _ => Task.CompletedTask)
                .Await(handle).As(out var packed)
                .Return(x => x.Get(packed)));
        var engine = await LaunchAsync(workflow, Pack);

        await engine.RunAsync(workflow, 3, "order-1");

        Snapshot.Match((await engine.GetHistoryAsync("order-1", Cancel)).ToString());
    }

    [Fact]
    public async Task A_workflow_that_was_cancelled()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, int>("held").Step("wait", s => gate.PassAsync(s.CancellationToken)).Return(_ => 1);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "order-1");
        await gate.ReachedAsync();

        await engine.CancelAsync("order-1", cancellationToken: Cancel).Within(Bounded.Limit);

        Snapshot.Match((await engine.GetHistoryAsync("order-1", Cancel)).ToString());
    }

    private static WorkflowDefinition<Order, Receipt> FluentCheckout(Counts counts) => Workflow.Define<Order, Receipt>("checkout")
        .Step("reserve", x => Task.FromResult(x.Input.Items.Count)).As(out var reserved)
        .Step("charge", _ => Flaky(counts)).Retry(attempts: 3, delay: TimeSpan.Zero).As(out var charged)
        .Step("notify", _ => Unreachable()).Try(out var notified)
        .Call(Pack, x => x.Get(reserved)).As(out var packed)
        .Sleep(TimeSpan.FromMilliseconds(1))
        .ForEach(x => x.Input.Items, "label", (item, _) => Task.FromResult(item.ToUpperInvariant()), maxParallel: 2).As(out var labels)
        .Step("close", _ => Task.CompletedTask)
        .Return(x => new Receipt(x.Get(charged), x.Get(packed), x.Get(labels), x.Get(notified).Succeeded));

    private static async IAsyncEnumerable<StepOr<Receipt>> Checkout(Order order, Counts counts)
    {
        yield return Step.Run("reserve", _ => Task.FromResult(order.Items.Count)).As(out var reserved);
        yield return Step.Run("charge", _ => Flaky(counts)).Retry(attempts: 3, delay: TimeSpan.Zero).As(out var charged);
        yield return Step.Run("notify", _ => Unreachable()).Try(out var notified);
        yield return Step.Call(Pack, reserved.Result).As(out var packed);
        yield return Step.Sleep(TimeSpan.FromMilliseconds(1));
        yield return Step.All(order.Items.Select(item => Step.Run("label", _ => Task.FromResult(item.ToUpperInvariant()))))
            .As(out var labels);
        yield return Step.Run("close", _ => Task.CompletedTask);
        yield return new Receipt(charged.Result, packed.Result, labels.Result, notified.Succeeded);
    }

    private static async IAsyncEnumerable<StepOr<int>> ChargeBody(string order, WorkflowContext workflow)
    {
        yield return Step.Run("open", _ => Task.FromResult(order));
        yield return Step.Run("pay", s => Decline(s.Attempt)).Retry(attempts: 3, delay: TimeSpan.Zero).As(out var paid);
        yield return paid.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> SendBody(string what, WorkflowContext workflow)
    {
        yield return Step.Call(Refuse, what).As(out var called);
        yield return called.Result;
    }

    private static async IAsyncEnumerable<StepOr<string>> LaterBody(int count, WorkflowContext workflow)
    {
        yield return Step.Start(Pack, count).As(out var handle);
        yield return Step.Run("between", _ => Task.CompletedTask);
        yield return Step.Await(handle.Result).As(out var packed);
        yield return packed.Result;
    }

    private static Task<string> Flaky(Counts counts) =>
        counts.Add("charge") == 1 ? throw new TimeoutException("the bank is slow") : Task.FromResult("paid");

    private static Task Unreachable() => throw new TimeoutException("no answer");

    private static Task<int> Decline(int attempt) => throw new InvalidOperationException($"declined {attempt}");

    public sealed record Order(string Id, IReadOnlyList<string> Items);

    public sealed record Receipt(string Payment, string Parcel, IReadOnlyList<string> Labels, bool Notified);
}
