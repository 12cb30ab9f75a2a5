using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>
/// Takes parked workflows up again, whoever parked them: when their time has come, and when what they wait for may be there.
/// </summary>
/// <remarks>
/// One timer for the next moment at which any parked workflow is due; one statement for all signals that came meanwhile. What a lost signal
/// left is found by looking through all that wait for something, page by page, at each covering poll.
/// </remarks>
internal sealed class ParkedDispatcher(IStore store, ClaimedRuns runs, RunEnvironment environment, ILogger logger) : IAsyncDisposable
{
    private const int PageSize = 1000;
    private static readonly TimeSpan OutlookInterval = TimeSpan.FromSeconds(1);

    private readonly AsyncSignal wake = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private HashSet<StoreSignal> signals = [];
    private HashSet<string> justParked = new(StringComparer.Ordinal);
    private bool cover = true;
    private bool parkedMeanwhile;
    private volatile bool anyParked = true;
    private volatile bool full;
    private long? nextWakeMs;
    private long lastOutlook;
    private (long MomentMs, CancellationTokenSource Stop)? timer;
    private Task loop = Task.CompletedTask;

    public void Start() => loop = Task.Run(RunAsync);

    /// <summary>A workflow was parked here: what it waits for may have come while it was.</summary>
    public void Parked(string workflowId, IReadOnlyList<WaitRow> waits)
    {
        lock (gate)
        {
            (anyParked, parkedMeanwhile) = (true, true);
            if (waits.Any(wait => wait.Kind != WaitKind.Time))
            {
                justParked.Add(workflowId);
            }

            if (waits.Min(wait => wait.WakeAtMs) is { } wakeAt && !(nextWakeMs <= wakeAt))
            {
                nextWakeMs = wakeAt;
            }
        }

        wake.Set();
    }

    /// <summary>Something may have come for which parked workflows wait.</summary>
    public void Signal(StoreSignal signal)
    {
        if (!anyParked || signal.Kind is StoreSignalKind.Enqueued or StoreSignalKind.Cancelled or StoreSignalKind.Stream)
        {
            return;
        }

        lock (gate)
        {
            // Without a name, any of them may be meant.
            cover |= signal.Kind == StoreSignalKind.Anything || signal.Key.Length == 0;
            signals.Add(signal);
        }

        wake.Set();
    }

    /// <summary>A run has ended: goes on if there was no room before.</summary>
    public void RunEnded()
    {
        if (full)
        {
            wake.Set();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        timer?.Stop.Dispose();
        stopping.Dispose();
        wake.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await LookAroundAsync(stopping.Token).ConfigureAwait(false);
                SetTimer();
                await wake.WaitAsync(OutlookInterval, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // A dispatcher that ends would leave every parked workflow asleep: it says what happened and goes on.
                logger.ParkedClaimFailed(exception);
                lock (gate)
                {
                    cover = true;
                }

                await Task.Delay(OutlookInterval, TimeProvider.System, stopping.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task LookAroundAsync(CancellationToken cancellationToken)
    {
        if (lastOutlook == 0 || TimeProvider.System.GetElapsedTime(lastOutlook) >= OutlookInterval)
        {
            await ReadOutlookAsync(afterMs: null, cancellationToken).ConfigureAwait(false);
        }

        for (var nowMs = environment.Clock.NowMs; NextWakeMs() <= nowMs; nowMs = environment.Clock.NowMs)
        {
            if (await ClaimAsync(new ParkedScope.Due(), cancellationToken).ConfigureAwait(false) is not { IsFull: true })
            {
                // What is still due after it is another version's or in somebody's hands. It must not hide when ours are due.
                await ReadOutlookAsync(nowMs, cancellationToken).ConfigureAwait(false);
            }

            if (full)
            {
                return;
            }
        }

        if (anyParked)
        {
            await LookForAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task LookForAsync(CancellationToken cancellationToken)
    {
        var (told, parked, all) = Take();
        if (told.Count > 0)
        {
            await ClaimAllAsync(new ParkedScope.Woken([.. told]), cancellationToken).ConfigureAwait(false);
        }

        if (parked.Count > 0)
        {
            await ClaimAllAsync(new ParkedScope.Among([.. parked]), cancellationToken).ConfigureAwait(false);
        }

        for (string? after = all ? "" : null; after is not null;)
        {
            var claim = await ClaimAsync(new ParkedScope.Page(after, PageSize), cancellationToken).ConfigureAwait(false);
            after = claim.IsFull ? after : claim.LastLookedAt;
            await WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ClaimAllAsync(ParkedScope scope, CancellationToken cancellationToken)
    {
        while ((await ClaimAsync(scope, cancellationToken).ConfigureAwait(false)).IsFull)
        {
            await WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (full && runs.Room <= 0)
        {
            await wake.WaitAsync(OutlookInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<(bool IsFull, string? LastLookedAt)> ClaimAsync(ParkedScope scope, CancellationToken cancellationToken)
    {
        var limit = runs.Room;
        full = limit <= 0;
        if (full)
        {
            return (true, null);
        }

        var request = runs.Request(limit);
        var repeated = false;
        var claim = await StoreBackoff.RepeatAsync(
            failures =>
            {
                repeated = failures > 0;
                return store.Claims.ClaimParkedAsync(request with { Repeated = repeated }, scope, cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        await runs.BeginAsync(claim.Claimed, cancellationToken).ConfigureAwait(false);

        // A repeated claim may give what the lost answer held and no more; and what was found may have been waits of a few workflows only.
        var mayBeMore = repeated || (scope is not ParkedScope.Page && claim.LastLookedAt is not null);
        return (claim.Claimed.Count == limit || (mayBeMore && claim.Claimed.Count > 0), claim.LastLookedAt);
    }

    private async Task ReadOutlookAsync(long? afterMs, CancellationToken cancellationToken)
    {
        lastOutlook = TimeProvider.System.GetTimestamp();
        lock (gate)
        {
            (parkedMeanwhile, nextWakeMs) = (justParked.Count > 0, null);
        }

        var outlook = await StoreBackoff.RepeatAsync(
            _ => store.Claims.ReadParkedOutlookAsync(environment.ApplicationName, afterMs, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        lock (gate)
        {
            // What was parked here since the question was put is not in the answer. Until it comes signals are kept: they may be for what
            // it tells of. And what another process has parked may have been signalled while nothing was known to be parked.
            var any = outlook.Any || parkedMeanwhile || (afterMs is not null && anyParked);
            (cover, anyParked) = (cover || (any && !anyParked), any);
            nextWakeMs = !(nextWakeMs <= outlook.NextWakeAtMs) ? outlook.NextWakeAtMs ?? nextWakeMs : nextWakeMs;
        }
    }

    private long? NextWakeMs()
    {
        lock (gate)
        {
            return nextWakeMs;
        }
    }

    private (HashSet<StoreSignal> Told, HashSet<string> Parked, bool All) Take()
    {
        lock (gate)
        {
            var taken = (signals, justParked, cover);
            (signals, justParked, cover) = ([], new(StringComparer.Ordinal), false);
            return taken;
        }
    }

    /// <summary>Wakes the loop when the next parked workflow is due, in workflow time.</summary>
    private void SetTimer()
    {
        var next = NextWakeMs();
        if (timer?.MomentMs == next)
        {
            return;
        }

        timer?.Stop.Cancel();
        timer?.Stop.Dispose();
        timer = null;
        if (next is { } momentMs && momentMs > environment.Clock.NowMs)
        {
            var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
            timer = (momentMs, stop);

            // Nobody awaits it: it wakes the loop, or is cancelled.
            _ = WakeAtAsync(momentMs, stop.Token);
        }
    }

    private async Task WakeAtAsync(long momentMs, CancellationToken cancellationToken)
    {
        try
        {
            await environment.Clock.WaitUntilAsync(momentMs, cancellationToken).ConfigureAwait(false);
            wake.Set();
        }
        catch (OperationCanceledException)
        {
            // Another moment is the next, or the engine stops.
        }
    }
}
