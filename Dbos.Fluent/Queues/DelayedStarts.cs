using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>Lets delayed starts into their queues when their time has come.</summary>
internal sealed class DelayedStarts(IQueueStore store, RunEnvironment environment, Action wake, CancellationToken stopping) : IDisposable
{
    private const int BatchMax = 1000;

    private readonly Lock gate = new();
    private MomentTimer? timer;
    private long? nextMs;

    /// <summary>True after a release: only a look tells when the next one is due.</summary>
    public bool Unsettled { get; private set; }

    /// <summary>The next one is due then; null: none is delayed.</summary>
    public void Next(long? momentMs)
    {
        lock (gate)
        {
            nextMs = momentMs;
            timer ??= new MomentTimer(environment.Clock, wake, stopping);
            timer.Set(momentMs);
        }
    }

    /// <summary>Releases what is due, and gives the queues into which something came.</summary>
    public async Task<IReadOnlyCollection<string>> ReleaseAsync(CancellationToken cancellationToken)
    {
        Unsettled = false;
        long? due;
        lock (gate)
        {
            due = nextMs;
            if (!(due <= environment.Clock.NowMs))
            {
                return [];
            }

            nextMs = null;
        }

        HashSet<string> queues = new(StringComparer.Ordinal);
        IReadOnlyList<string> released;
        do
        {
            released = await StoreBackoff.RepeatAsync(
                _ => store.ReleaseDelayedAsync(environment.ApplicationName, BatchMax, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
            queues.UnionWith(released);
        }
        while (released.Count >= BatchMax);
        Unsettled = queues.Count > 0;
        if (!Unsettled)
        {
            TryAgain(due);
        }

        return queues;
    }

    public void Dispose()
    {
        lock (gate)
        {
            timer?.Dispose();
        }
    }

    private void TryAgain(long? due)
    {
        lock (gate)
        {
            if (nextMs is null)
            {
                nextMs = due;
                timer?.SetTry(due);
            }
        }
    }
}
