using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>What a run waits for at this moment, and whether it does anything else: if not for long, it leaves memory.</summary>
/// <remarks>
/// A sleep that is known to last longer than the limit leaves at once; any other wait once it has lasted that long. The limit is real
/// time; the remaining time of a sleep is workflow time.
/// </remarks>
internal sealed class RunWaits(TimeSpan unloadAfter, StoreClock clock, Action<IReadOnlyList<WaitRow>> leave) : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<IReadOnlyList<WaitRow>?> waits = [];
    private ITimer? timer;
    private int branches = 1;
    private int changes;
    private bool left;

    /// <summary>The run goes on in several branches at once, until each has left.</summary>
    public void Fork(int count) => Change(() => branches += count - 1);

    /// <summary>One of several branches has ended.</summary>
    public void Leave() => Change(() => branches--);

    /// <summary>All branches have left, and the run goes on in one.</summary>
    public void Return() => Change(() => branches++);

    /// <summary>A branch begins to wait.</summary>
    /// <param name="wait">For what, one of which is enough; null for a wait that keeps the run in memory.</param>
    public void Begin(IReadOnlyList<WaitRow>? wait) => Change(() => waits.Add(wait));

    public void End(IReadOnlyList<WaitRow>? wait) => Change(() => waits.Remove(wait));

    public void Dispose()
    {
        lock (gate)
        {
            left = true;
            timer?.Dispose();
        }
    }

    private void Change(Action change)
    {
        IReadOnlyList<WaitRow>? leaving;
        lock (gate)
        {
            change();
            changes++;
            leaving = Consider();
        }

        if (leaving is not null)
        {
            leave(leaving);
        }
    }

    private List<WaitRow>? Consider()
    {
        if (left || waits.Count == 0 || waits.Count != branches || waits.Contains(null))
        {
            return null;
        }

        if (waits.TrueForAll(wait => wait is [{ Kind: WaitKind.Time }]))
        {
            var remainingMs = waits.Min(wait => wait![0].WakeAtMs!.Value) - clock.NowMs;
            return unloadAfter != Timeout.InfiniteTimeSpan && remainingMs > unloadAfter.TotalMilliseconds ? Go() : null;
        }

        if (unloadAfter == TimeSpan.Zero)
        {
            return Go();
        }

        if (unloadAfter != Timeout.InfiniteTimeSpan)
        {
            timer?.Dispose();
            timer = TimeProvider.System.CreateTimer(AfterTime, changes, unloadAfter, Timeout.InfiniteTimeSpan);
        }

        return null;
    }

    private List<WaitRow> Go()
    {
        left = true;
        timer?.Dispose();
        return [.. waits.SelectMany(wait => wait!)];
    }

    private void AfterTime(object? state)
    {
        List<WaitRow>? leaving = null;
        lock (gate)
        {
            if (!left && (int)state! == changes)
            {
                leaving = Go();
            }
        }

        if (leaving is not null)
        {
            leave(leaving);
        }
    }
}
