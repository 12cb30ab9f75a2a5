namespace Dbos.Fluent.Tests.Interop;

/// <summary>What the TypeScript process starts here: each does what a program in another language needs of a workflow.</summary>
internal static class ServedWorkflows
{
    public static readonly WorkflowDefinition<Purchase, Receipt> Total = Workflow.Define<Purchase, Receipt>("total", RunTotal);

    public static readonly WorkflowDefinition<string, Unit> Refuse = Workflow.Define<string>("refuse", RunRefuse);

    public static readonly WorkflowDefinition<string, string> Converse = Workflow.Define<string, string>("converse", RunConverse);

    public static readonly WorkflowDefinition<Unit, string> Gated = Workflow.Define<Unit, string>("gated", RunGated);

    public static WorkflowDefinition[] All => [Total, Refuse, Converse, Gated];

    private static async IAsyncEnumerable<StepOr<Receipt>> RunTotal(Purchase input, WorkflowContext workflow)
    {
        yield return Step.Run("multiply", async _ => input.Quantity * input.Price).As(out var total);
        yield return new Receipt(input.Sku, total.Result, input.Note);
    }

    private static async IAsyncEnumerable<Step> RunRefuse(string reason, WorkflowContext workflow)
    {
        yield return Step.Run("refuse", Task (_) => throw new OutOfStockException($"refused: {reason}")
        {
            Data = { ["code"] = "E42", ["reason"] = reason, ["left"] = 0 },
        });
    }

    private static async IAsyncEnumerable<StepOr<string>> RunConverse(string name, WorkflowContext workflow)
    {
        yield return Step.SetEvent("greeting", new Greeting(name));
        yield return Step.Receive<string>("approval").As(out var topical);
        yield return Step.Receive<int>().As(out var plain);
        for (var done = 1; done <= 3; done++)
        {
            yield return Step.WriteStream("progress", new Progress(done));
        }

        yield return Step.CloseStream("progress");
        yield return Step.Receive<string>("approval", TimeSpan.Zero).As(out var more);
        yield return $"{topical.Result} {plain.Result} {more.Result.HasValue}";
    }

    private static async IAsyncEnumerable<StepOr<string>> RunGated(Unit input, WorkflowContext workflow)
    {
        yield return Step.Run("before", async _ => "before").As(out var before);
        yield return Step.Receive<string>("go").As(out var message);
        yield return Step.Run("after", async _ => "after").As(out var after);
        yield return $"{before.Result} {message.Result} {after.Result}";
    }
}

internal sealed record Purchase(string Sku, int Quantity, decimal Price, string? Note = null);

internal sealed record Receipt(string Sku, decimal Total, string? Note);

internal sealed record Greeting(string Hello);

internal sealed record Progress(int Done);

internal sealed class OutOfStockException(string message) : Exception(message);
