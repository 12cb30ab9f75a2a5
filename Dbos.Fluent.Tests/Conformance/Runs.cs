namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Short forms of what nearly every scenario does: start, wait, look at how it ended.</summary>
internal static class Runs
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static Task<WorkflowHandle<TOut>> BeginAsync<TIn, TOut>(
        this WorkflowClient client, WorkflowDefinition<TIn, TOut> workflow, TIn input, string id, TimeSpan? timeout = null) =>
        client.StartAsync(workflow, input, new() { Id = id, Timeout = timeout }, Cancel).Within(Bounded.Limit);

    public static async Task<TOut> RunAsync<TIn, TOut>(
        this WorkflowClient client, WorkflowDefinition<TIn, TOut> workflow, TIn input, string id) =>
        await (await client.BeginAsync(workflow, input, id)).EndAsync();

    public static Task<TOut> EndAsync<TOut>(this WorkflowHandle<TOut> handle) =>
        handle.GetResultAsync(Cancel).Within(Bounded.Limit, $"workflow '{handle.Id}' ends");

    /// <summary>Waits for the failure that ends a workflow.</summary>
    public static async Task<RecordedFailure> FailureAsync<TOut>(this WorkflowHandle<TOut> handle) =>
        (await Assert.ThrowsAsync<WorkflowFailedException>(() => handle.EndAsync())).Failure;

    /// <summary>Waits for the cancellation that ends a workflow.</summary>
    public static async Task<CancellationReason> CancellationAsync<TOut>(this WorkflowHandle<TOut> handle) =>
        (await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(() => handle.EndAsync())).Reason;
}
