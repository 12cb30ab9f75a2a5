using Dbos.Fluent.Definitions;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Does what a run's steps do outside their workflow: at once, at least once, under the run's ownership.</summary>
internal sealed class StepOutlet : IStepOutlet
{
    private readonly RunScope run;
    private readonly StreamGatherer streams;

    public StepOutlet(RunScope run)
    {
        this.run = run;
        streams = new StreamGatherer(WriteAsync, run.Owner);
    }

    private PayloadSerializer Serializer => run.Environment.Serializer;

    public Task SendAsync(int sequence, OutgoingMessage message, CancellationToken cancellationToken) =>
        WriteAsync(() => WriteAsync(new SendUnit(run.Owner, [], [Outbox.Row(Serializer, message, format: null)])), cancellationToken);

    public Task SetEventAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken) =>
        WriteAsync(
            () => WriteAsync(new EventUnit(run.Owner, sequence, key, OwnValues.EncodeEvent(run, key, value, valueType), [])
            {
                WaitersUpTo = run.Environment.Wakeups.Events.Registered,
            }),
            cancellationToken);

    public Task WriteStreamAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken) =>
        WriteAsync(() => streams.WriteAsync(sequence, key, OwnValues.EncodeStreamValue(run, key, value, valueType)), cancellationToken);

    public Task CloseStreamAsync(int sequence, string key, CancellationToken cancellationToken) =>
        WriteAsync(() => streams.WriteAsync(sequence, key, StreamMarker.Closed), cancellationToken);

    public Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken) =>
        run.Environment.Client().GetStatusAsync(workflowId, cancellationToken);

    public Task<Optional<T>> GetEventAsync<T>(string workflowId, string key, TimeSpan timeout, CancellationToken cancellationToken) =>
        run.Environment.Client().GetEventAsync<T>(workflowId, key, timeout, cancellationToken);

    public IAsyncEnumerable<T> ReadStreamAsync<T>(
        string workflowId, string key, int offset, TimeSpan? valueTimeout, CancellationToken cancellationToken) =>
        run.Environment.Client().ReadStreamAsync<T>(workflowId, key, offset, valueTimeout, cancellationToken);

    // A write takes effect once the store has it, even if its caller stops waiting. Nobody sees then how it ended, so a failure counts as
    // seen here: it must not come up later as the process's unobserved exception.
    private static Task WriteAsync(Func<Task> write, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        var writing = write();
        writing.ObserveFault();
        return writing.WaitAsync(cancellationToken);
    }

    private async Task WriteAsync(CommitUnit unit)
    {
        var result = await run.Environment.Checkpointer.WriteAsync(unit).ConfigureAwait(false);
        if (result.Status == CommitStatus.NotOwned)
        {
            // The step's token fires, and nothing that the step still does is stored.
            await run.LoseAsync().ConfigureAwait(false);
            throw new OperationCanceledException("The workflow is no longer run here.", run.Stop.Token);
        }

        if (result.Status != CommitStatus.Written)
        {
            throw WriteRefusals.ToException(unit, result);
        }

        run.Environment.Written(unit);
    }
}
