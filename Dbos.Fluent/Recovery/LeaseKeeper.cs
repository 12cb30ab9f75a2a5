using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Recovery;

/// <summary>Renews a lease that the <see cref="LeaseLoop"/> is late to renew, by a blocking call on its own thread.</summary>
/// <remarks>
/// The loop is asynchronous: it continues only when the pool has a thread and a connection is free. Step bodies that block may hold all
/// threads, or all connections, for longer than a lease. The work of a live process would then be taken over and run twice. A lease that
/// has ended is left to the loop, as only the loop finds out what was taken away in the meantime.
/// </remarks>
internal sealed class LeaseKeeper(IExecutorStore store, ExecutorRegistration self, Lease lease) : IAsyncDisposable
{
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    // Used at least this often, even if the loop is on time, so that a broken connection is found before it is needed.
    private static readonly TimeSpan UnusedMax = TimeSpan.FromMinutes(1);

    private readonly ManualResetEventSlim stopping = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long? answered;
    private long? tried;

    // The loop renews at a third of the lease and gets another third before it counts as late.
    private TimeSpan Late => lease.Length * 2 / 3;

    private TimeSpan Retry => lease.Length / 6 < RetryMax ? lease.Length / 6 : RetryMax;

    public void Start() => new Thread(Keep) { IsBackground = true, Name = "Dbos.Fluent lease" }.Start();

    public async ValueTask DisposeAsync()
    {
        stopping.Set();
        try
        {
            await ended.Task.WaitAsync(StopLimit, TimeProvider.System).ConfigureAwait(false);
            stopping.Dispose();
        }
        catch (TimeoutException)
        {
            // A database that does not answer holds the thread up; it renews nothing more.
        }
    }

    private void Keep()
    {
        while (!stopping.Wait(Left()))
        {
            if (lease.IsAlive && Left() == TimeSpan.Zero)
            {
                Renew();
            }
        }

        ended.SetResult();
    }

    /// <summary>The time until the keeper has something to do.</summary>
    private TimeSpan Left()
    {
        if (!lease.IsAlive)
        {
            return Retry;
        }

        var late = Late - lease.Age;
        var unused = answered is { } last ? UnusedMax - TimeProvider.System.GetElapsedTime(last) : TimeSpan.Zero;
        var rest = tried is { } failed ? Retry - TimeProvider.System.GetElapsedTime(failed) : TimeSpan.Zero;
        return Larger(TimeSpan.Zero, Larger(rest, late < unused ? late : unused));
    }

    private static TimeSpan Larger(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private void Renew()
    {
        var sentAt = TimeProvider.System.GetUtcNow();
        var sentStamp = TimeProvider.System.GetTimestamp();
        tried = sentStamp;
        try
        {
            if (store.Renew(self.ExecutorId, self.Incarnation, lease.Length, lease.Length / 3).Registered)
            {
                lease.Prolong(sentStamp, sentAt);
            }

            answered = TimeProvider.System.GetTimestamp();
        }
        catch (Exception)
        {
            // The loop meets the same error and logs it; nothing would catch it on this thread.
        }
    }
}
