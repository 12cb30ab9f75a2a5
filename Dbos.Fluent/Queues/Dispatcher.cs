using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>Takes waiting workflows from the queues, as many as this process has room for, and runs them.</summary>
/// <remarks>
/// Woken by enqueues here and elsewhere, by runs that end, and by a covering poll. A claimed row is always run or handed back.
/// </remarks>
internal sealed class Dispatcher(
    IStore store, RunEnvironment environment, RunningWorkflows running, IChildStarter starter, int? recoveryAttemptsMax) : IAsyncDisposable
{
    /// <summary>Runs that may be busy at once; waiting ones do not count.</summary>
    private const int Capacity = 1000;

    private const int ClaimMax = 250;
    private static readonly TimeSpan CoveringPoll = TimeSpan.FromSeconds(1);

    private readonly AsyncSignal wake = new();
    private readonly CancellationTokenSource stopping = new();
    private Task loop = Task.CompletedTask;
    private volatile bool full;

    /// <summary>Called with the ids of workflows that were given up because their recovery attempts are spent.</summary>
    public Action<IReadOnlyList<string>> DeadLettered { get; set; } = _ => { };

    /// <summary>Called with a claimed execution that could not be begun.</summary>
    public Action<Ownership> NotBegun { get; set; } = _ => { };

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
                environment.Logger.ClaimFailed(exception);
                await PauseAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task PauseAsync() =>
        await Task.Delay(CoveringPoll, TimeProvider.System, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task<bool> ClaimAsync(CancellationToken cancellationToken)
    {
        var limit = Math.Min(ClaimMax, Capacity - running.Busy);
        full = limit <= 0;
        if (full || environment.Registry.Names.Count == 0)
        {
            return false;
        }

        var request = new ClaimRequest
        {
            Token = Guid.CreateVersion7().ToString(),
            ExecutorId = environment.ExecutorId,
            ApplicationName = environment.ApplicationName,
            ApplicationVersion = environment.ApplicationVersion,
            WorkflowNames = environment.Registry.Names,
            Limit = limit,
            RecoveryAttemptsMax = recoveryAttemptsMax,
        };
        var result = await StoreBackoff.RepeatAsync(
            failures => store.Claims.ClaimAsync(request with { Repeated = failures > 0 }, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        if (result.DeadLettered.Count > 0)
        {
            environment.Logger.DeadLettered(result.DeadLettered.Count, result.DeadLettered[0]);
            DeadLettered(result.DeadLettered);
        }

        await RunAsync(result.Claimed, cancellationToken).ConfigureAwait(false);
        return result.Claimed.Count + result.DeadLettered.Count == limit;
    }

    private async Task RunAsync(IReadOnlyList<ClaimedWorkflow> claimed, CancellationToken cancellationToken)
    {
        if (claimed.Count == 0)
        {
            return;
        }

        var begun = 0;
        try
        {
            // One query for the histories of the whole claim; those that never ran have none.
            string[] ids = [.. claimed.Select(work => work.Id)];
            var histories = await StoreBackoff.RepeatAsync(
                _ => store.Claims.ReadHistoriesAsync(ids, cancellationToken), cancellationToken).ConfigureAwait(false);
            for (; begun < claimed.Count; begun++)
            {
                running.Begin(claimed[begun], histories.GetValueOrDefault(claimed[begun].Id, []), environment, starter);
            }
        }
        finally
        {
            // Whatever went wrong, a row that is ours and that nobody runs must not stay so.
            foreach (var work in claimed.Skip(begun))
            {
                NotBegun(new Ownership(work.Id, work.Token));
            }
        }
    }
}
