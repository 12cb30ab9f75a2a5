namespace Dbos.Fluent.Samples;

/// <summary>
/// One process of the demo: launches an engine, starts the checkout under its id (or attaches to it), and waits for the receipt.
/// </summary>
internal static class CheckoutProcess
{
    public const string WorkflowId = "checkout-1001";
    public const string CardCharged = "CARD CHARGED";

    public static async Task<int> RunAsync(SampleSettings settings)
    {
        var checkout = new Checkout(new Ledger(settings.Ledger), () => settings.StopBetweenSteps ? StandStillAsync() : Task.CompletedTask);
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            settings.Use(options);
            options.Add(checkout.Definition);
        });

        var order = (await Orders.ReadAsync())[0];
        var handle = await engine.StartAsync(checkout.Definition, order, new() { Id = WorkflowId });
        var receipt = await handle;

        Console.WriteLine($"receipt for order {receipt.OrderId}: {receipt.ChargeId}, {string.Join(", ", receipt.Parcels)}");
        Console.WriteLine();
        Console.Write(await engine.GetHistoryAsync(WorkflowId));
        return 0;
    }

    private static async Task StandStillAsync()
    {
        Console.WriteLine(CardCharged);
        await Task.Delay(Timeout.Infinite);
    }
}
