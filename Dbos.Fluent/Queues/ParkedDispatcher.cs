using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>Takes up parked workflows of any executor when they are due or when what they wait for may have arrived.</summary>
/// <remarks>
/// One timer covers the next moment at which any parked workflow is due. One statement covers all signals since the last. Workflows whose
/// signals were lost are found by paging through all parked workflows that wait for something, at each covering poll.
/// </remarks>
internal sealed class ParkedDispatcher(IStore store, ClaimedRuns runs, RunEnvironment environment, ILogger logger) : IAsyncDisposable
{
    private const int PageSize = 1000;
    private const int SignalsMax = 10_000;
    private static readonly TimeSpan OutlookInterval = TimeSpan.FromSeconds(1);

    private readonly AsyncSignal wake = new();
    private readonly BackgroundLoop loop = new();
    private readonly Lock gate = new();
    private HashSet<StoreSignal> signals = [];
    private HashSet<string> justParked = new(StringComparer.Ordinal);
    private readonly CoveringLook cover = new();
    private readonly PassedOver passedOver = new();
    private readonly ParkedView view = new();
    private volatile bool full;
    private MomentTimer? timer;

    public void Start() => loop.Start(TurnAsync, Failed, rest: OutlookInterval);

    /// <summary>Reports that an outlook begins; its answer may miss workflows that are parked here after this call.</summary>
    public void LookBegins() => Begin(isPart: false);

    /// <summary>Applies an outlook of the parked workflows.</summary>
    public void Saw(ParkedOutlook outlook)
    {
        Settle(outlook, isPart: false);
        if (outlook.Any)
        {
            wake.Set();
        }
    }

    /// <summary>Reports that a workflow was parked here; what it waits for may have arrived in the meantime.</summary>
    public void Parked(string workflowId, IReadOnlyList<WaitRow> waits)
    {
        lock (gate)
        {
            view.Parked(waits.Min(wait => wait.WakeAtMs));
            if (waits.Any(wait => wait.Kind != WaitKind.Time))
            {
                justParked.Add(workflowId);
            }
        }

        wake.Set();
    }

    /// <summary>Reports that something has arrived for which parked workflows may wait.</summary>
    public void Signal(StoreSignal signal)
    {
        if (!view.Any || signal.Kind is StoreSignalKind.Enqueued or StoreSignalKind.Cancelled or StoreSignalKind.Stream)
        {
            return;
        }

        lock (gate)
        {
            // A signal without a name may concern any parked workflow.
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
                // If there is no room for a long time, looking through all parked workflows is cheaper than remembering each signal.
                cover.Ask();
                signals = [];
            }
        }

        wake.Set();
    }

    /// <summary>Reports that a run has ended; claims continue if there was no room before.</summary>
    public void RunEnded()
    {
        if (full)
        {
            wake.Set();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await loop.DisposeAsync().ConfigureAwait(false);
        timer?.Dispose();
        wake.Dispose();
    }

    private async Task TurnAsync(CancellationToken cancellationToken)
    {
        await LookAroundAsync(cancellationToken).ConfigureAwait(false);
        SetTimer();
        await wake.WaitAsync(LookDueIn(), cancellationToken).ConfigureAwait(false);
    }

    // What the failed turn had taken of the signals is lost, so all parked workflows are looked through.
    private void Failed(Exception exception)
    {
        logger.ParkedClaimFailed(exception);
        lock (gate)
        {
            cover.Ask();
        }
    }

    private async Task LookAroundAsync(CancellationToken cancellationToken)
    {
        do
        {
            // Only a claim that finds no room sets this again: another process may have taken the workflows that were due.
            full = false;
            await ClaimDueAsync(cancellationToken).ConfigureAwait(false);
            if (!full && view.Any)
            {
                await LookForAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        while (!full && view.Any && IsTold());
    }

    private async Task ClaimDueAsync(CancellationToken cancellationToken)
    {
        for (var nowMs = environment.Clock.NowMs; NextWakeMs() <= nowMs; nowMs = environment.Clock.NowMs)
        {
            if (await ClaimAsync(new ParkedScope.Due(), cancellationToken).ConfigureAwait(false) is not { IsFull: true })
            {
                // Workflows that are still due belong to another version or are held by someone. They must not hide when ours are due.
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

            // There may be very many pages. Neither due nor signalled workflows wait for the last page.
            await ClaimDueAsync(cancellationToken).ConfigureAwait(false);
            await ClaimToldAsync(cancellationToken).ConfigureAwait(false);
        }

        lock (gate)
        {
            cover.Took(taken);
        }
    }

    /// <summary>Claims the workflows that were signalled or parked here since the last call, and those passed over before.</summary>
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
        while (full && runs.Room.Left <= 0)
        {
            await wake.WaitAsync(OutlookInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<(bool IsFull, string? LastLookedAt)> ClaimAsync(ParkedScope scope, CancellationToken cancellationToken)
    {
        var limit = runs.Room.Left;
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
                return LastStatement.FinishAsync(
                    token => store.Claims.ClaimParkedAsync(request with { Repeated = repeated }, scope, token), cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        lock (gate)
        {
            passedOver.Add(claim.PassedOver);
        }

        await runs.BeginAsync(claim.Claimed, term, cancellationToken).ConfigureAwait(false);

        // A repeated claim may return only what the lost answer held. Also, the waits found may all belong to a few workflows.
        var mayBeMore = repeated || (scope is not ParkedScope.Page && claim.LastLookedAt is not null);
        return (claim.Claimed.Count == limit || (mayBeMore && claim.Claimed.Count > 0), claim.LastLookedAt);
    }

    private async Task ReadOutlookAsync(long afterMs, CancellationToken cancellationToken)
    {
        Begin(isPart: true);
        var outlook = await StoreBackoff.RepeatAsync(
            _ => LastStatement.FinishAsync(
                token => store.Claims.ReadParkedOutlookAsync(environment.ApplicationName, afterMs, token), cancellationToken),
            cancellationToken).ConfigureAwait(false);
        Settle(outlook, isPart: true);
    }

    private void Begin(bool isPart)
    {
        lock (gate)
        {
            view.LookBegins(isPart, missesSome: justParked.Count > 0);
        }
    }

    private void Settle(ParkedOutlook outlook, bool isPart)
    {
        lock (gate)
        {
            var anyBefore = view.Any;
            view.Settle(outlook, isPart);

            // A workflow that another process parked may have been signalled while no parked workflow was known here.
            if (view.Any && !anyBefore)
            {
                cover.Ask();
            }
        }
    }

    private long? NextWakeMs()
    {
        lock (gate)
        {
            return view.NextWakeMs;
        }
    }

    private (HashSet<StoreSignal> Told, HashSet<string> Parked) TakeTold()
    {
        lock (gate)
        {
            var taken = (signals, justParked);
            (signals, justParked) = ([], new(StringComparer.Ordinal));
            taken.justParked.UnionWith(passedOver.TakeDue());
            return taken;
        }
    }

    // The code that waited for room may have consumed the wake-up of these signals.
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

    // No look is needed while nothing is parked, as parking a workflow asks for one. Nor is one useful without room; a run that ends makes
    // room.
    private TimeSpan LookDueIn()
    {
        lock (gate)
        {
            var (all, some) = (cover.DueIn, passedOver.DueIn);
            var infinite = Timeout.InfiniteTimeSpan;
            return !view.Any || full ? infinite : all == infinite || (some != infinite && some < all) ? some : all;
        }
    }

    /// <summary>Wakes the loop when the next parked workflow is due, in workflow time.</summary>
    private void SetTimer()
    {
        timer ??= new MomentTimer(environment.Clock, logger, wake.Set, loop.Stopping);
        timer.SetTry(NextWakeMs());
    }
}
