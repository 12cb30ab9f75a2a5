namespace Dbos.Fluent.Samples;

/// <summary>The code in README.md and docs/ that is in no other sample. It is compiled, so the compiler checks it.</summary>
internal static class ReadmeCode
{
    private static readonly WorkflowDefinition<Order, Receipt> Checkout =
        Workflow.Define<Order, Receipt>()                                  // the name is the member's: "Checkout"
            .Step("charge card", x => Payments.ChargeAsync(x.Input, x.IdempotencyKey, x.CancellationToken))
                .Retry(attempts: 5).As(out var charge)
            .If(x => x.Input.Total > 100, review => review
                .Step("review", x => Reviews.AskAsync(x.Input)).As(out var approved)
                .If(x => !x.Get(approved), no => no.Fail(x => new OrderRejectedException(x.Input.Id))))
            .ForEach(x => x.Input.Items, "pack", (item, x) => Packing.PackAsync(item), maxParallel: 4).As(out var parcels)
            .Return(x => new Receipt(x.Input.Id, x.Get(charge), x.Get(parcels)));

    private static readonly WorkflowDefinition<OrderItem, string> Ship =
        Workflow.Define<OrderItem, string>().Step("ship", x => Packing.PackAsync(x.Input)).As(out var shipped).Return(x => x.Get(shipped));

    public static async Task GreetAsync()
    {
        var hello = Workflow.Define<string, string>("hello", Hello);

        await using var engine = await WorkflowEngine.LaunchAsync(o => o.UseSqlite("hello.sqlite").Add(hello));

        var handle = await engine.StartAsync(hello, "world", new() { Id = "hello-1" });
        Console.WriteLine(await handle);
        Console.Write(await engine.GetHistoryAsync("hello-1"));

        static async IAsyncEnumerable<StepOr<string>> Hello(string name, WorkflowContext workflow)
        {
            yield return Step.Run("greet", s => Task.FromResult($"Hello, {name}!")).As(out var greeting);
            yield return Step.Sleep(TimeSpan.FromSeconds(1));          // durable: it survives a restart
            yield return greeting.Result;                              // the last value is the workflow's result
        }
    }

    public static async Task<Receipt> CheckoutAsync(Order order, string connectionString)
    {
        Console.WriteLine(Checkout.ToMermaid());

        await using var engine = await WorkflowEngine.LaunchAsync(o => o
            .UsePostgres(connectionString)            // or .UseSqlite("orders.sqlite")
            .Add(Checkout));

        var handle = await engine.StartAsync(Checkout, order, new() { Id = $"order-{order.Id}", Timeout = TimeSpan.FromMinutes(10) });
        var receipt = await handle;               // or engine.Retrieve<Receipt>(id) in any other process

        // Or, from any process, by its id:
        await engine.CancelAsync("order-1001", children: true);    // fires its steps' tokens: at once here, within a second elsewhere
        await engine.ResumeAsync("order-1001");                    // continues after its last stored step; not for one that failed

        return receipt;
    }

    public static async Task PutOffAsync(WorkflowEngine engine, Order order, string connectionString)
    {
        var options = new StartOptions { Queue = "shipments", Priority = 5, DeduplicationId = order.Id, Delay = TimeSpan.FromMinutes(10) };
        await engine.StartAsync(Ship, order.Items[0], options);

        await engine.Queues.RegisterAsync(new WorkflowQueue("shipments") { Concurrency = 20 });    // every process sees it at once
        await engine.Queues.PauseAsync("shipments");

        await using var client = await WorkflowClient.ConnectAsync(o => o.UsePostgres(connectionString));
        var sum = await client.EnqueueAsync<int>("add", [20, 22], new() { Queue = "python" });    // code that lives elsewhere

        await using var connection = new Npgsql.NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        // … your own writes: the shipment starts if, and only if, they are committed
        await client.StartInTransactionAsync(transaction, Ship, order.Items[0], new() { Queue = "shipments" });
        await transaction.CommitAsync();
    }

    public static async IAsyncEnumerable<StepOr<int>> FulfilAsync(Order order, WorkflowContext workflow)
    {
        yield return Step.AllOutcomes(order.Items.Select(i => Step.Run($"pack {i.Sku}", s => Packing.PackAsync(i)))).As(out var packed);
        var bad = packed.Result.Count(outcome => !outcome.Succeeded);            // failures are data here; Step.All would fail

        yield return Step.StartMany(Ship, order.Items).As(out var shipments);    // a thousand children in a few commits
        yield return Step.Any(
            Step.AwaitAll(shipments.Result),
            Step.Receive<string>("stop")).As(out var first);                     // the index of the first to finish

        yield return first.Result == 0 ? order.Items.Count - bad : 0;
    }

    /// <summary>The order was not approved.</summary>
    private sealed class OrderRejectedException(string orderId) : Exception($"Order {orderId} was not approved.");

    private static class Payments
    {
        public static Task<string> ChargeAsync(Order order, string idempotencyKey, CancellationToken cancellationToken) =>
            Task.FromResult($"{order.Total} charged under key {idempotencyKey}");
    }

    private static class Reviews
    {
        public static Task<bool> AskAsync(Order order) => Task.FromResult(order.Total < 1000);
    }

    private static class Packing
    {
        public static Task<string> PackAsync(OrderItem item) => Task.FromResult($"parcel-{item.Sku}");
    }
}
