using System.Text.Json;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>The C# program of the page docs/interop.md; shop.mjs is the other.</summary>
internal sealed class ShopProgram
{
    public sealed record Request(string Sku, int Quantity);

    public sealed record Quote(string Sku, decimal Total);

    public sealed record Invoice(string Sku, double Gross, DateTimeOffset At);

    private static readonly WorkflowDefinition<Request, Quote> Quoting = Workflow.Define<Request, Quote>("quote", RunQuote);

    private static async IAsyncEnumerable<StepOr<Quote>> RunQuote(Request request, WorkflowContext workflow)
    {
        yield return Step.Run("price", _ => PriceOfAsync(request.Sku)).As(out var price);
        yield return Step.SetEvent("price", price.Result);
        yield return Step.Receive<string>("approval").As(out var approval);
        if (approval.Result != "yes")
        {
            throw new QuoteRefusedException("too dear") { Data = { ["code"] = "E7", ["sku"] = request.Sku } };
        }

        yield return new Quote(request.Sku, price.Result * request.Quantity);
    }

    /// <summary>Serves quotes until the task completes, and asks for an invoice meanwhile.</summary>
    public static async Task<Invoice> RunAsync(string connectionString, Task served)
    {
        await using var engine = await WorkflowEngine.LaunchAsync(o =>
        {
            o.UsePostgres(connectionString).Add(Quoting).Add(new WorkflowQueue("quotes"));
            o.ApplicationName = "pricing";
            o.JsonOptions = new(JsonSerializerDefaults.Web);        // camelCase, as TypeScript has it
        });

        var handle = await engine.EnqueueAsync<Invoice>("invoice", ["pens", 4.5], new() { Queue = "invoices" });
        Invoice invoice = await handle;

        await served;
        return invoice;
    }

    private static Task<decimal> PriceOfAsync(string sku) => Task.FromResult(sku == "pens" ? 1.50m : 1m);

    private sealed class QuoteRefusedException(string message) : Exception(message);
}
