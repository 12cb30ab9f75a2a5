using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>Moves delayed workflows into their queues when they are due.</summary>
internal sealed class DelayedStarts(IQueueStore store, RunEnvironment environment, Action wake, CancellationToken stopping) : IDisposable
{
    private const int BatchMax = 1000;

    private readonly Lock gate = new();
    private MomentTimer? timer;
    private long? nextMs;
    private bool isInTheMidst;

    /// <summary>True after a release, when only an outlook shows when the next delayed workflow is due.</summary>
    public bool Unsettled { get; private set; }

    /// <summary>Sets when the next delayed workflow is due; null if none is delayed.</summary>
    public void Next(long? momentMs)
    {
        lock (gate)
        {
            nextMs = momentMs;
            timer ??= new MomentTimer(environment.Clock, environment.Logger, wake, stopping);
            timer.Set(momentMs);
        }
    }

    /// <summary>
    /// Releases one batch of due workflows and returns the queues that received them. The rest follows once those queues have been served.
    /// </summary>
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

        var released = await StoreBackoff.RepeatAsync(
            _ => store.ReleaseDelayedAsync(environment.ApplicationName, BatchMax, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        var some = released.Count > 0 || isInTheMidst;
        isInTheMidst = released.Count >= BatchMax;
        if (isInTheMidst)
        {
            Next(due);
        }
        else if (some)
        {
            Unsettled = true;
        }
        else
        {
            TryAgain(due);
        }

        return [.. released.Distinct(StringComparer.Ordinal)];
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
