using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Renews this executor's lease at each third of it, whatever it runs, with one statement; after an outage at least once a second.
/// </summary>
internal sealed class LeaseLoop(IExecutorStore store, ExecutorRegistration self, Lease lease, StoreClock clock, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    // After an outage of the database every living engine renews its lease within the retry interval.
    private static readonly TimeSpan SettledAfter = TimeSpan.FromSeconds(2);
    private const int StepMs = 1000;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly AsyncSignal wake = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private TaskCompletionSource renewed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long? contactSince = TimeProvider.System.GetTimestamp();
    private (long NowMs, long Stamp)? answered;
    private Task loop = Task.CompletedTask;

    /// <summary>How long the database has been reached without a gap. Nobody is declared dead before that is one lease.</summary>
    /// <remarks>A process that wakes from a pause may ask before its first renewal has found the gap: its own lease tells then.</remarks>
    public TimeSpan GaplessContact =>
        contactSince is { } since && lease.IsAlive ? TimeProvider.System.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>
    /// Called after the first renewal that follows a gap, before any step may begin again: stops what was taken away meanwhile.
    /// </summary>
    public required Func<CancellationToken, Task> AfterGap { get; init; }

    // One connection that hangs must not cost the lease: the renewal is given up in time for another try.
    private TimeSpan RenewalLimit => lease.Length / 3 > RetryInterval ? lease.Length / 3 : RetryInterval;

    public void Start()
    {
        lease.RenewNow = RenewNowAsync;
        loop = Task.Run(RunAsync);
    }

    /// <summary>
    /// Waits until the leases of others can be believed, for whoever asks that the dead be looked for at once: right after an outage the
    /// lease of everyone has ended, and nobody is dead.
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
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        stopping.Dispose();
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

    private async Task RunAsync()
    {
        var interval = lease.Length / 3;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await wake.WaitAsync(interval, stopping.Token).ConfigureAwait(false);
                interval = await RenewAsync().ConfigureAwait(false) ? lease.Length / 3 : RetryInterval;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever the database says, the next renewal may succeed; without renewals the rows are fenced and handed on elsewhere.
                contactSince = null;
                logger.RenewalFailed(self.ExecutorId, exception);
                interval = RetryInterval < lease.Length / 3 ? RetryInterval : lease.Length / 3;
            }
        }
    }

    private bool HasStepped(long nowMs) => answered is { } last
        && nowMs - last.NowMs > TimeProvider.System.GetElapsedTime(last.Stamp).TotalMilliseconds + StepMs;

    private async Task<bool> RenewAsync()
    {
        var sentAt = TimeProvider.System.GetUtcNow();
        var sentStamp = TimeProvider.System.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        limit.CancelAfter(RenewalLimit);
        var result = await store.RenewAsync(self.ExecutorId, self.Incarnation, lease.Length, limit.Token).ConfigureAwait(false);
        if (!result.Registered)
        {
            contactSince = null;
            lease.End();
            if (result.Holder?.Incarnation == self.Incarnation)
            {
                // Stopped by this very engine.
                return false;
            }

            if (result.Holder is { Alive: true })
            {
                // Somebody launched with our id after our lease had ended: what runs here is fenced off row by row.
                logger.LeaseTaken(self.ExecutorId);
                return false;
            }

            // Forgotten, as after a restore or a day without contact, or taken by one that is gone: nobody is in the way.
            logger.RegisteredAnew(self.ExecutorId);
            limit.CancelAfter(RenewalLimit);
            result = await store.RegisterAsync(self, limit.Token).ConfigureAwait(false);
            if (!result.Registered)
            {
                return false;
            }
        }

        // A gap is anything longer than a lease between two renewals, however it came about. Where the database's clock has stepped
        // forward, the leases of all others may look ended until each is renewed, as after an outage.
        var gap = !lease.IsAlive;
        if (contactSince is null || gap || HasStepped(result.NowMs))
        {
            contactSince = TimeProvider.System.GetTimestamp();
        }

        if (gap)
        {
            logger.LeaseRenewedLate(self.ExecutorId);

            // It has as long as the renewal had: a database that comes back slowly would else give neither enough, again and again.
            limit.CancelAfter(RenewalLimit);
            await AfterGap(limit.Token).ConfigureAwait(false);
        }

        answered = (result.NowMs, TimeProvider.System.GetTimestamp());
        lease.Renewed(sentStamp, sentAt);
        clock.Synchronize(result.NowMs, sentStamp);
        return TellRenewed();
    }

    // Where the answer lay there for longer than the lease, as on a machine that was suspended, who waits for a lease has none yet.
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
