using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Renews this executor's lease at each third of it and at least once a minute, in one statement for all its workflows; after an outage at
/// least once a second.
/// </summary>
internal sealed class LeaseLoop(IExecutorStore store, ExecutorRegistration self, Lease lease, StoreClock clock, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    // Networks forget connections that were idle for some minutes.
    private static readonly TimeSpan IntervalMax = TimeSpan.FromMinutes(1);

    // After an outage of the database every living engine renews its lease within the retry interval.
    private static readonly TimeSpan SettledAfter = TimeSpan.FromSeconds(2);
    private const int StepMs = 1000;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly AsyncSignal wake = new();
    private readonly BackgroundLoop loop = new();
    private readonly Lock gate = new();
    private TaskCompletionSource renewed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Zero while there is no contact. Other loops read it, so it is one word that cannot be seen half written.
    private long contactSince = TimeProvider.System.GetTimestamp();
    private (long NowMs, long Stamp)? answered;
    private bool isRetrying;

    /// <summary>How long the database has been reached without a gap. No executor is declared dead until this is one lease.</summary>
    /// <remarks>
    /// A process that wakes from a pause may ask before its first renewal finds the gap. Its own ended lease shows the gap then.
    /// </remarks>
    public TimeSpan GaplessContact =>
        Interlocked.Read(ref contactSince) is not 0 and var since && lease.IsAlive
            ? TimeProvider.System.GetElapsedTime(since)
            : TimeSpan.Zero;

    /// <summary>
    /// Called after the first renewal that follows a gap, before any step begins: stops workflows that others took meanwhile.
    /// </summary>
    public required Func<CancellationToken, Task> AfterGap { get; init; }

    // A connection that hangs must not cost the lease, so the renewal is given up in time for another try.
    private TimeSpan RenewalLimit => lease.Length / 3 > RetryInterval ? lease.Length / 3 : RetryInterval;

    private TimeSpan Interval => lease.Length / 3 < IntervalMax ? lease.Length / 3 : IntervalMax;

    private TimeSpan Retry => RetryInterval < lease.Length / 3 ? RetryInterval : lease.Length / 3;

    public void Start()
    {
        lease.RenewNow = RenewNowAsync;
        loop.Start(TurnAsync, Failed, rest: TimeSpan.Zero);
    }

    /// <summary>
    /// Waits until other executors' leases can be trusted, before a caller looks for dead executors at once. Right after an outage every
    /// lease has ended, but no executor is dead.
    /// </summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        var settled = lease.Length < SettledAfter ? lease.Length : SettledAfter;
        while (GaplessContact < settled)
        {
            await Task.Delay(Look, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await loop.DisposeAsync().ConfigureAwait(false);
        wake.Dispose();
    }

    private Task RenewNowAsync(CancellationToken cancellationToken)
    {
        Task next;
        lock (gate)
        {
            next = renewed.Task;
        }

        wake.Set();
        return next.WaitAsync(cancellationToken);
    }

    private async Task TurnAsync(CancellationToken cancellationToken)
    {
        await wake.WaitAsync(isRetrying ? Retry : Interval, cancellationToken).ConfigureAwait(false);
        isRetrying = !await RenewAsync(cancellationToken).ConfigureAwait(false);
    }

    // The next renewal may succeed, whatever the error. Without renewals the rows are fenced and handed on elsewhere.
    private void Failed(Exception exception)
    {
        Interlocked.Exchange(ref contactSince, 0);
        logger.RenewalFailed(self.ExecutorId, exception);
        isRetrying = true;
    }

    private bool HasStepped(long nowMs) => answered is { } last
        && nowMs - last.NowMs > TimeProvider.System.GetElapsedTime(last.Stamp).TotalMilliseconds + StepMs;

    private async Task<bool> RenewAsync(CancellationToken cancellationToken)
    {
        var sentAt = TimeProvider.System.GetUtcNow();
        var sentStamp = TimeProvider.System.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(RenewalLimit);
        var result = await store.RenewAsync(self.ExecutorId, self.Incarnation, lease.Length, limit.Token).ConfigureAwait(false);
        if (!result.Registered)
        {
            Interlocked.Exchange(ref contactSince, 0);
            lease.End();
            if (result.Holder?.Incarnation == self.Incarnation)
            {
                // This engine itself has stopped the lease.
                return false;
            }

            if (result.Holder is { Alive: true })
            {
                // Another process launched with our id after our lease had ended. What runs here is fenced off row by row.
                logger.LeaseTaken(self.ExecutorId);
                return false;
            }

            // The executor was forgotten, as after a restore or a day without contact, or a dead process holds its id. Nobody is in the
            // way.
            logger.RegisteredAnew(self.ExecutorId);
            limit.CancelAfter(RenewalLimit);
            result = await store.RegisterAsync(self, limit.Token).ConfigureAwait(false);
            if (!result.Registered)
            {
                return false;
            }
        }

        // A gap is more than one lease between two renewals, for any reason. If the database's clock has stepped forward, all other leases
        // may look ended until each is renewed, as after an outage.
        var gap = !lease.IsAlive;
        if (Interlocked.Read(ref contactSince) == 0 || gap || HasStepped(result.NowMs))
        {
            Interlocked.Exchange(ref contactSince, TimeProvider.System.GetTimestamp());
        }

        // At once, as what follows may take long: the answer says what time it is now.
        answered = (result.NowMs, TimeProvider.System.GetTimestamp());
        clock.Synchronize(result.NowMs, sentStamp);
        if (gap)
        {
            logger.LeaseRenewedLate(self.ExecutorId);

            // The follow-up gets as much time as the renewal. Otherwise a database that recovers slowly would never let both finish.
            limit.CancelAfter(RenewalLimit);
            await AfterGap(limit.Token).ConfigureAwait(false);
        }

        lease.Renewed(sentStamp, sentAt);
        return TellRenewed();
    }

    // If the answer was not processed within the lease, as on a suspended machine, the callers that wait for a lease still have none.
    private bool TellRenewed()
    {
        if (!lease.IsAlive)
        {
            return false;
        }

        lock (gate)
        {
            renewed.TrySetResult();
            renewed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return true;
    }
}
