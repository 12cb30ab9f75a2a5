namespace Dbos.Fluent.Definitions;

/// <summary>
/// What a <see cref="StepClient"/> needs of the run its step belongs to. Arguments are checked; values are not encoded yet.
/// </summary>
/// <remarks>One may serve all steps of a run: what is written bears the number of the step that writes.</remarks>
internal interface IStepOutlet
{
    Task SendAsync(int sequence, OutgoingMessage message, CancellationToken cancellationToken);

    Task SetEventAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken);

    Task WriteStreamAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken);

    Task CloseStreamAsync(int sequence, string key, CancellationToken cancellationToken);

    Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>Infinite waits without end.</summary>
    Task<Optional<T>> GetEventAsync<T>(string workflowId, string key, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>A null <paramref name="valueTimeout"/> waits for each value without end.</summary>
    IAsyncEnumerable<T> ReadStreamAsync<T>(
        string workflowId, string key, int offset, TimeSpan? valueTimeout, CancellationToken cancellationToken);
}
