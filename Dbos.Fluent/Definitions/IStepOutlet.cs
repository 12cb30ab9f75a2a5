namespace Dbos.Fluent.Definitions;

/// <summary>The part of a run that a <see cref="StepClient"/> needs. Arguments are checked; values are not encoded yet.</summary>
/// <remarks>All steps of a run may share one: each write carries the number of the step that writes.</remarks>
internal interface IStepOutlet
{
    Task SendAsync(int sequence, OutgoingMessage message, CancellationToken cancellationToken);

    Task SetEventAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken);

    Task WriteStreamAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken);

    Task CloseStreamAsync(int sequence, string key, CancellationToken cancellationToken);

    Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>An infinite timeout waits forever.</summary>
    Task<Optional<T>> GetEventAsync<T>(string workflowId, string key, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>A null <paramref name="valueTimeout"/> waits for each value without limit.</summary>
    IAsyncEnumerable<T> ReadStreamAsync<T>(
        string workflowId, string key, int offset, TimeSpan? valueTimeout, CancellationToken cancellationToken);
}
