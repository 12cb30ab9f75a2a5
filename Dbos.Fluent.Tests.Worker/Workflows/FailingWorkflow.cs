namespace Dbos.Fluent.Tests.Worker.Workflows;

/// <summary>Fails with exceptions of the worker's own, so that a test sees them from another process.</summary>
internal static class FailingWorkflow
{
    public const int Attempts = 2;

    public static WorkflowDefinition<int, string> Definition { get; } = Workflow.Define<int, string>("failing", RunAsync);

    private static async IAsyncEnumerable<StepOr<string>> RunAsync(int input, WorkflowContext workflow)
    {
        yield return Step.Run("pick", PickAsync).Retry(Attempts, TimeSpan.Zero).As(out var picked);
        yield return picked.Result;
    }

    private static Task<string> PickAsync(StepContext step) =>
        throw new WarehouseException($"shelf {step.Attempt}", new TimeoutException("The robot stood still."));

    private abstract class StockException(string message, Exception inner) : Exception(message, inner);

    private sealed class WarehouseException(string place, Exception inner) : StockException($"Nothing was picked from {place}.", inner);
}
