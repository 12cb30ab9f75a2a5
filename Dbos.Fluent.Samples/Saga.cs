namespace Dbos.Fluent.Samples;

/// <summary>A trip to book.</summary>
public sealed record Trip(string Traveller, string From, string To, decimal Price);

/// <summary>The bank refused to pay.</summary>
public sealed class PaymentDeclinedException(string message) : Exception(message);

/// <summary>A saga in both forms: the payment fails at the end, and the bookings are cancelled, newest first.</summary>
internal static class Saga
{
    private static readonly WorkflowDefinition<Trip, string> Book = Workflow.Define<Trip, string>("book", BookAsync);

    private static readonly WorkflowDefinition<Trip, string> FluentBook =
        Workflow.Define<Trip, string>("fluent book")
            .Parallel(
                ("flight", branch => branch
                    .Step("flight", x => Bookings.ReserveAsync("flight", x.Input, x.IdempotencyKey))
                        .CompensateWith((x, booking) => Bookings.CancelAsync(booking, x.CancellationToken))),
                ("hotel", branch => branch
                    .Step("hotel", x => Bookings.ReserveAsync("hotel", x.Input, x.IdempotencyKey))
                        .CompensateWith((x, booking) => Bookings.CancelAsync(booking, x.CancellationToken))))
            .Step("pay", x => Bookings.PayAsync(x.Input, x.IdempotencyKey)).As(out var paid)
            .Return(x => x.Get(paid));

    public static async Task<int> RunAsync(SampleSettings settings)
    {
        using var database = new SampleDatabase(settings);
        await using var engine = await database.LaunchAsync(options => options.Add(Book, FluentBook));
        var trip = new Trip("Ada", "London", "Turin", 480m);

        await ShowAsync(engine, Book, trip, "trip-1");
        await ShowAsync(engine, FluentBook, trip, "trip-2");
        return 0;
    }

    private static async IAsyncEnumerable<StepOr<string>> BookAsync(Trip trip, WorkflowContext workflow)
    {
        yield return Step.Run("flight", s => Bookings.ReserveAsync("flight", trip, s.IdempotencyKey))
            .CompensateWith((s, booking) => Bookings.CancelAsync(booking, s.CancellationToken));
        yield return Step.Run("hotel", s => Bookings.ReserveAsync("hotel", trip, s.IdempotencyKey))
            .CompensateWith((s, booking) => Bookings.CancelAsync(booking, s.CancellationToken));
        yield return Step.Run("pay", s => Bookings.PayAsync(trip, s.IdempotencyKey)).As(out var paid);
        yield return paid.Result;
    }

    private static async Task ShowAsync(WorkflowEngine engine, WorkflowDefinition<Trip, string> definition, Trip trip, string id)
    {
        Console.WriteLine($"{id}, by '{definition.Name}':");
        var handle = await engine.StartAsync(definition, trip, new() { Id = id });
        try
        {
            Console.WriteLine(await handle);
        }
        catch (WorkflowFailedException exception) when (exception.Failure.Is<PaymentDeclinedException>())
        {
            Console.WriteLine($"  it failed, and is undone: {exception.Failure.Message}");
        }

        Console.WriteLine();
        Console.Write(await engine.GetHistoryAsync(id));
        Console.WriteLine();
    }

    /// <summary>Simulates external services.</summary>
    private static class Bookings
    {
        public static Task<string> ReserveAsync(string what, Trip trip, string idempotencyKey) =>
            Note($"reserved: {what} to {trip.To} for {trip.Traveller}", $"{what} {idempotencyKey}");

        public static Task<string> CancelAsync(string booking, CancellationToken cancellationToken) =>
            Note($"cancelled: {booking}", booking);

        public static Task<string> PayAsync(Trip trip, string idempotencyKey) =>
            throw new PaymentDeclinedException($"{trip.Price} are more than {trip.Traveller} has.");

        private static Task<string> Note(string what, string result)
        {
            Console.WriteLine($"  {what}");
            return Task.FromResult(result);
        }
    }
}
