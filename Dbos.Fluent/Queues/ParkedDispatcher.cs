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
    private const int SignalsMax = 10_000;
    private static readonly TimeSpan OutlookInterval = TimeSpan.FromSeconds(1);

    private readonly AsyncSignal wake = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private HashSet<StoreSignal> signals = [];
    private HashSet<string> justParked = new(StringComparer.Ordinal);
    private readonly CoveringLook cover = new();
    private bool parkedMeanwhile;
    private volatile bool anyParked = true;
    private volatile bool full;
    private long? nextWakeMs;
    private MomentTimer? timer;
    private Task loop = Task.CompletedTask;

    public void Start() => loop = Task.Run(RunAsync);

    /// <summary>A look at everything begins: what is parked here from now on may not be in its answer.</summary>
    public void LookBegins()
    {
        lock (gate)
        {
            (parkedMeanwhile, nextWakeMs) = (justParked.Count > 0, null);
        }
    }

    /// <summary>Takes in what parked workflows there are.</summary>
    public void Saw(ParkedOutlook outlook)
    {
        Settle(outlook, isPart: false);
        if (outlook.Any)
        {
            wake.Set();
        }
    }

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
            switch (signal)
            {
                case { Kind: StoreSignalKind.Completed, Key: "" }:
                    cover.SomeEnded();
                    break;
                case { Kind: StoreSignalKind.Anything } or { Key: "" }:
                    cover.Ask();
                    break;
                default:
                    signals.Add(signal);
                    break;
            }

            if (signals.Count > SignalsMax)
            {
                // Where there is no room for long, looking through all that wait is cheaper than remembering each.
                cover.Ask();
                signals = [];
            }
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
        timer?.Dispose();
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
                await wake.WaitAsync(CoverDueIn(), stopping.Token).ConfigureAwait(false);
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
                    cover.Ask();
                }

                await Task.Delay(OutlookInterval, TimeProvider.System, stopping.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task LookAroundAsync(CancellationToken cancellationToken)
    {
        do
        {
            // Only a claim that finds no room says so again: what was due and had none may be somebody else's by now.
            full = false;
            await ClaimDueAsync(cancellationToken).ConfigureAwait(false);
            if (!full && anyParked)
            {
                await LookForAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        while (!full && anyParked && IsTold());
    }

    private async Task ClaimDueAsync(CancellationToken cancellationToken)
    {
        for (var nowMs = environment.Clock.NowMs; NextWakeMs() <= nowMs; nowMs = environment.Clock.NowMs)
        {
            if (await ClaimAsync(new ParkedScope.Due(), cancellationToken).ConfigureAwait(false) is not { IsFull: true })
            {
                // What is still due after it is another version's or in somebody's hands. It must not hide when ours are due.
                await ReadOutlookAsync(nowMs - MomentTimer.SkewMs, cancellationToken).ConfigureAwait(false);
                return;
            }

            if (full)
            {
                return;
            }
        }
    }

    private async Task LookForAsync(CancellationToken cancellationToken)
    {
        await ClaimToldAsync(cancellationToken).ConfigureAwait(false);
        if (!TakeCover())
        {
            return;
        }

        var taken = TimeSpan.Zero;
        for (string? after = ""; after is not null;)
        {
            var begun = TimeProvider.System.GetTimestamp();
            var claim = await ClaimAsync(new ParkedScope.Page(after, PageSize), cancellationToken).ConfigureAwait(false);
            taken += TimeProvider.System.GetElapsedTime(begun);
            after = claim.IsFull ? after : claim.LastLookedAt;
            await WaitForRoomAsync(cancellationToken).ConfigureAwait(false);

            // There may be very many pages, and neither what is due meanwhile nor what is signalled waits for the last.
            await ClaimDueAsync(cancellationToken).ConfigureAwait(false);
            await ClaimToldAsync(cancellationToken).ConfigureAwait(false);
        }

        lock (gate)
        {
            cover.Took(taken);
        }
    }

    /// <summary>Claims what was signalled, and what was parked here, since it was last asked for.</summary>
    private async Task ClaimToldAsync(CancellationToken cancellationToken)
    {
        var (told, parked) = TakeTold();
        if (told.Count > 0)
        {
            await ClaimAllAsync(new ParkedScope.Woken([.. told]), cancellationToken).ConfigureAwait(false);
        }

        if (parked.Count > 0)
        {
            await ClaimAllAsync(new ParkedScope.Among([.. parked]), cancellationToken).ConfigureAwait(false);
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

        var term = await runs.TermAsync(cancellationToken).ConfigureAwait(false);
        var request = runs.Request(limit);
        using var held = environment.InHand.Hold(request.Token);
        var repeated = false;
        var claim = await StoreBackoff.RepeatAsync(
            failures =>
            {
                repeated = failures > 0;
                return store.Claims.ClaimParkedAsync(request with { Repeated = repeated }, scope, cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        await runs.BeginAsync(claim.Claimed, term, cancellationToken).ConfigureAwait(false);

        // A repeated claim may give what the lost answer held and no more; and what was found may have been waits of a few workflows only.
        var mayBeMore = repeated || (scope is not ParkedScope.Page && claim.LastLookedAt is not null);
        return (claim.Claimed.Count == limit || (mayBeMore && claim.Claimed.Count > 0), claim.LastLookedAt);
    }

    private async Task ReadOutlookAsync(long afterMs, CancellationToken cancellationToken)
    {
        LookBegins();
        var outlook = await StoreBackoff.RepeatAsync(
            _ => store.Claims.ReadParkedOutlookAsync(environment.ApplicationName, afterMs, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        Settle(outlook, isPart: true);
    }

    // What was parked here since the question was put is not in the answer. Until it comes signals are kept, as they may be for what the
    // answer tells of; and what another process has parked may have been signalled while nothing was known to be.
    private void Settle(ParkedOutlook outlook, bool isPart)
    {
        lock (gate)
        {
            var any = outlook.Any || parkedMeanwhile || (isPart && anyParked);
            if (any && !anyParked)
            {
                cover.Ask();
            }

            anyParked = any;
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

    private (HashSet<StoreSignal> Told, HashSet<string> Parked) TakeTold()
    {
        lock (gate)
        {
            var taken = (signals, justParked);
            (signals, justParked) = ([], new(StringComparer.Ordinal));
            return taken;
        }
    }

    // Whoever waited for room may have taken the wake-up that came with it.
    private bool IsTold()
    {
        lock (gate)
        {
            return cover.IsDue || signals.Count > 0 || justParked.Count > 0;
        }
    }

    private bool TakeCover()
    {
        lock (gate)
        {
            return cover.Take();
        }
    }

    // Nothing is looked through while nothing is parked, as what parks then asks for it; nor while there is no room, which a run that ends
    // makes.
    private TimeSpan CoverDueIn()
    {
        lock (gate)
        {
            return !anyParked || full ? Timeout.InfiniteTimeSpan : cover.DueIn;
        }
    }

    /// <summary>Wakes the loop when the next parked workflow is due, in workflow time.</summary>
    private void SetTimer()
    {
        timer ??= new MomentTimer(environment.Clock, wake.Set, stopping.Token);
        timer.SetTry(NextWakeMs());
    }
}
