namespace Dbos.Fluent.Samples;

/// <summary>The checkout written with the builder: the same steps, as a definition that can draw its own diagram.</summary>
internal static class FluentCheckout
{
    private static readonly WorkflowDefinition<Order, Receipt> Checkout =
        Workflow.Define<Order, Receipt>("fluent checkout")
            .Step("reserve stock", x => Task.FromResult(x.Input.Items.Sum(item => item.Quantity)))
            .Step("charge card", x => Task.FromResult($"charge-{x.Input.Id}"))
                .Retry(attempts: 5).As(out var charge)
            .If(x => x.Input.Total > 100, review => review
                .Step("review", x => Task.FromResult(x.Input.Total < 1000)).As(out var approved)
                .If(x => !x.Get(approved), no => no.Fail(x => new InvalidOperationException($"Order {x.Input.Id} was not approved."))))
            .ForEach(x => x.Input.Items, "pack", (item, x) => Task.FromResult($"parcel-{item.Sku}"), maxParallel: 4).As(out var parcels)
            .Return(x => new Receipt(x.Input.Id, x.Get(charge), x.Get(parcels)));

    public static async Task<int> RunAsync(SampleSettings settings)
    {
        Console.WriteLine(Checkout.ToMermaid());
        using var database = new SampleDatabase(settings);
        await using var engine = await database.LaunchAsync(options => options.Add(Checkout));
        foreach (var order in await Orders.ReadAsync())
        {
            var receipt = await (await engine.StartAsync(Checkout, order));
            Console.WriteLine($"order {receipt.OrderId}: {receipt.ChargeId}, {string.Join(", ", receipt.Parcels)}");
        }

        return 0;
    }
}
