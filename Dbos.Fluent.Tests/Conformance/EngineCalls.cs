namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Calls that nearly every scenario makes, each bounded.</summary>
internal static class EngineCalls
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Starts a workflow under an id.</summary>
    public static Task<WorkflowHandle<TOut>> BeginAsync<TIn, TOut>(
        this WorkflowClient client, WorkflowDefinition<TIn, TOut> definition, TIn input, string id, TimeSpan? timeout = null) =>
        client.StartAsync(definition, input, new() { Id = id, Timeout = timeout }, Cancel).Within(Bounded.Limit);

    /// <summary>Starts a workflow under an id and waits for its result.</summary>
    public static async Task<TOut> RunAsync<TIn, TOut>(
        this WorkflowClient client, WorkflowDefinition<TIn, TOut> definition, TIn input, string id) =>
        await (await client.BeginAsync(definition, input, id)).ResultAsync();

    /// <summary>Waits for the result of a workflow that was started before.</summary>
    public static Task<TOut> ResultAsync<TOut>(this WorkflowHandle<TOut> handle) =>
        handle.GetResultAsync(Cancel).Within(Bounded.Limit, $"workflow '{handle.Id}' ends");

    /// <summary>Waits for the result of a workflow that was started before.</summary>
    public static Task<TOut> ResultAsync<TOut>(this WorkflowClient client, string id) => client.Retrieve<TOut>(id).ResultAsync();

    /// <summary>Waits for a workflow to fail and gives the recorded failure.</summary>
    public static async Task<RecordedFailure> FailureAsync<TOut>(this WorkflowHandle<TOut> handle) =>
        (await Assert.ThrowsAsync<WorkflowFailedException>(() => handle.ResultAsync())).Failure;

    /// <summary>Waits for the cancellation that ends a workflow and gives its reason.</summary>
    public static async Task<CancellationReason> CancellationAsync<TOut>(this WorkflowHandle<TOut> handle) =>
        (await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(() => handle.ResultAsync())).Reason;

    /// <summary>A workflow's steps as one line: <c>0 reserve, 1 charge failed</c>.</summary>
    public static async Task<string> StepsAsync(this WorkflowClient client, string id)
    {
        var history = await client.GetHistoryAsync(id, Cancel).Within(Bounded.Limit);
        return string.Join(", ", history.Checkpoints.Select(step => $"{step.Sequence} {step.Name}{(step.Error is null ? "" : " failed")}"));
    }

    /// <summary>Reads a stream to its end.</summary>
    public static async Task<List<T>> ReadAllAsync<T>(this WorkflowClient client, string id, string key, int offset = 0)
    {
        return await CollectAsync().Within(Bounded.Limit, $"stream '{key}' of '{id}' ends");

        async Task<List<T>> CollectAsync()
        {
            List<T> values = [];
            await foreach (var value in client.ReadStreamAsync<T>(id, key, offset, cancellationToken: Cancel))
            {
                values.Add(value);
            }

            return values;
        }
    }

    /// <summary>A workflow's state.</summary>
    public static async Task<WorkflowState> StateOfAsync(this WorkflowClient client, string id) =>
        (await client.GetStatusAsync(id, Cancel).Within(Bounded.Limit))!.State;

    /// <summary>Removes the checkpoints from a number on, as if they had not been written before the process died.</summary>
    public static Task ForgetFromAsync(this TestDatabase database, string id, int sequence) =>
        database.ExecuteAsync($"DELETE FROM operation_outputs WHERE workflow_uuid = '{id}' AND function_id >= {sequence}");

    /// <summary>Removes one checkpoint.</summary>
    public static Task ForgetAsync(this TestDatabase database, string id, int sequence) =>
        database.ExecuteAsync($"DELETE FROM operation_outputs WHERE workflow_uuid = '{id}' AND function_id = {sequence}");

    /// <summary>Everything stored of a workflow's steps, to be compared with the same later.</summary>
    public static async Task<string> StoredStepsAsync(this TestDatabase database, string id)
    {
        var rows = await database.QueryAsync(
            "SELECT function_id, function_name, output, error, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms "
            + $"FROM operation_outputs WHERE workflow_uuid = '{id}' ORDER BY function_id");
        return string.Join('\n', rows.Select(row => string.Join('|', row)));
    }
}
