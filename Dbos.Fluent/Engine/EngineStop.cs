using Dbos.Fluent.Recovery;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Stops an engine: stops claiming, drains, ends the lease, hands the rest on, and closes the store.</summary>
internal sealed class EngineStop(EngineParts parts)
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);

    /// <summary>Stops each part, even if an earlier part fails; failures are thrown at the end.</summary>
    public Task RunAsync(TimeSpan drain, CancellationToken cancellationToken) => StopSequence.RunAsync(Steps(drain, cancellationToken));

    private IEnumerable<Func<Task>> Steps(TimeSpan drain, CancellationToken cancellationToken)
    {
        // First, before any wait: from here on bodies can no longer start workflows. An exception that they throw for that reason is not a
        // failure of theirs, once they have been told to stop.
        yield return BeginDrain;

        // Workflows that leave memory in the drain are handed on at its end, which uses up no attempt. Recovery would treat them as lost,
        // as nothing here runs them any more. All at once: if the database does not answer, each waits for the end of a statement.
        yield return Dispose(
            parts.Dispatcher, parts.ParkedDispatcher, parts.Schedules, parts.Outlooks, parts.Retention, parts.Recovery);
        yield return () => parts.Running.DrainAsync(drain, cancellationToken);
        yield return () => parts.Running.WaitForEndAsync(StopGrace);
        yield return Dispose(parts.Stranded, parts.Sweeps);
        yield return Dispose(parts.LeaseKeeper);
        yield return Dispose(parts.Leases);
        yield return () => parts.Environment.Checkpointer.CloseAsync(StopGrace);
        yield return HandOnAsync;
        yield return Dispose(parts.Core);
    }

    private static Func<Task> Dispose(params IEnumerable<IAsyncDisposable?> parts) =>
        () => Task.WhenAll(parts.OfType<IAsyncDisposable>().Select(part => part.DisposeAsync().AsTask()));

    private Task BeginDrain()
    {
        parts.Running.BeginDrain();
        return Task.CompletedTask;
    }

    private async Task HandOnAsync()
    {
        var (executors, self) = (parts.Core.Store.Executors, parts.Registration);
        try
        {
            using var limit = new CancellationTokenSource(StopGrace);

            // A connection that broke while idle fails at its next use, and a retry gets another connection.
            var handedOn = await StoreBackoff.RepeatAsync(
                _ => executors.StopAsync(self.ExecutorId, self.Incarnation, limit.Token), limit.Token).ConfigureAwait(false);
            if (handedOn > 0)
            {
                await parts.Core.Store.Signals.AnnounceAsync([new StoreSignal(StoreSignalKind.Enqueued, "")], limit.Token)
                    .ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is StoreUnavailableException or OperationCanceledException)
        {
            // The database cannot be reached: the lease ends by itself, and other engines then take the work.
            parts.Core.Logger.HandOnFailed(self.ExecutorId, exception);
        }
    }
}
