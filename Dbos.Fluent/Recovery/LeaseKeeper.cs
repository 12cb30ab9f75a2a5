using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Renews a lease that the <see cref="LeaseLoop"/> is late to renew, from a thread of its own and by a call that waits there.
/// </summary>
/// <remarks>
/// The loop, as everything asynchronous, goes on when the pool has a thread for it and a connection is free. Bodies of steps that block may
/// hold all threads for longer than a lease, and others all connections: the work of a process that is alive would be taken over and run
/// twice. A lease that has ended is the loop's to renew, as only that finds out what was taken away meanwhile.
/// </remarks>
internal sealed class LeaseKeeper(IExecutorStore store, ExecutorRegistration self, Lease lease) : IAsyncDisposable
{
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    // However well the loop does, so that the connection is not found to be gone when it is needed.
    private static readonly TimeSpan UnusedMax = TimeSpan.FromMinutes(1);

    private readonly ManualResetEventSlim stopping = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long? answered;
    private long? tried;

    // The loop renews at a third, and is given as much time again.
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
            // A database that stands still holds it up; it renews nothing more.
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

    /// <summary>How long until it has something to do.</summary>
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
            // The loop meets the same, and says so; here nobody would catch it.
        }
    }
}
