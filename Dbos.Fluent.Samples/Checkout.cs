namespace Dbos.Fluent.Samples;

/// <summary>A checkout as an async iterator: every yielded step is stored after it has run, and then never runs again.</summary>
internal sealed class Checkout
{
    private readonly Ledger ledger;
    private readonly Func<Task> betweenSteps;

    public Checkout(Ledger ledger, Func<Task> betweenSteps)
    {
        (this.ledger, this.betweenSteps) = (ledger, betweenSteps);
        Definition = Workflow.Define<Order, Receipt>("checkout", RunAsync);
    }

    public WorkflowDefinition<Order, Receipt> Definition { get; }

    private async IAsyncEnumerable<StepOr<Receipt>> RunAsync(Order order, WorkflowContext workflow)
    {
        yield return Step.Run("reserve stock", s => ledger.NoteAsync($"stock reserved for order {order.Id}", s));

        yield return Step.Run("charge card", s => ChargeAsync(order, s)).Retry(attempts: 5).As(out var charge);

        // Simulates a crash at the worst moment: the card is charged, but nothing after that has happened.
        await betweenSteps();

        yield return Step.All(order.Items.Select(item => Step.Run($"pack {item.Sku}", s => PackAsync(item, s)))).As(out var parcels);

        yield return Step.Run("send receipt", s => ledger.NoteAsync($"receipt sent to {order.Email}", s));

        yield return new Receipt(order.Id, charge.Result, parcels.Result);
    }

    private async Task<string> ChargeAsync(Order order, StepContext step)
    {
        // With the key, the payment service charges once, even if this step has to run twice.
        await ledger.NoteAsync($"card charged {order.Total} with key {step.IdempotencyKey}", step);
        return $"charge-{order.Id}";
    }

    private async Task<string> PackAsync(OrderItem item, StepContext step)
    {
        await ledger.NoteAsync($"packed {item.Quantity} x {item.Sku}", step);
        return $"parcel-{item.Sku}";
    }
}
