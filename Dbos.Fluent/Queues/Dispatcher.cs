using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>Takes waiting workflows from the queues, as many as this process has room for, and runs them.</summary>
/// <remarks>
/// Woken by enqueues here and elsewhere, by runs that end, and by a covering poll. A claimed row is always run or handed back.
/// </remarks>
internal sealed class Dispatcher(IStore store, ClaimedRuns runs, ILogger logger, int? recoveryAttemptsMax) : IAsyncDisposable
{
    private static readonly TimeSpan CoveringPoll = TimeSpan.FromSeconds(1);

    private readonly AsyncSignal wake = new();
    private readonly CancellationTokenSource stopping = new();
    private Task loop = Task.CompletedTask;
    private volatile bool full;

    /// <summary>Called with the ids of workflows that were given up because their recovery attempts are spent.</summary>
    public Action<IReadOnlyList<string>> DeadLettered { get; set; } = _ => { };

    public void Start() => loop = Task.Run(RunAsync);

    public void Wake() => wake.Set();

    /// <summary>A run has ended: looks again if there was no room before.</summary>
    public void RunEnded()
    {
        if (full)
        {
            wake.Set();
        }
    }

    /// <summary>Claims no more; what is claimed already runs on.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        stopping.Dispose();
        wake.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                while (await ClaimAsync(stopping.Token).ConfigureAwait(false))
                {
                    // A full batch: there may be more.
                }

                await wake.WaitAsync(CoveringPoll, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // A dispatcher that ends would strand every queue: it says what happened, waits for the next poll and goes on.
                logger.ClaimFailed(exception);
                await PauseAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task PauseAsync() =>
        await Task.Delay(CoveringPoll, TimeProvider.System, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task<bool> ClaimAsync(CancellationToken cancellationToken)
    {
        var limit = runs.Room;
        full = limit <= 0;
        if (full)
        {
            return false;
        }

        var request = runs.Request(limit) with { RecoveryAttemptsMax = recoveryAttemptsMax };
        var result = await StoreBackoff.RepeatAsync(
            failures => store.Claims.ClaimAsync(request with { Repeated = failures > 0 }, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        if (result.DeadLettered.Count > 0)
        {
            logger.DeadLettered(result.DeadLettered.Count, result.DeadLettered[0]);
            DeadLettered(result.DeadLettered);
        }

        await runs.BeginAsync(result.Claimed, cancellationToken).ConfigureAwait(false);
        return result.Claimed.Count + result.DeadLettered.Count == limit;
    }
}
