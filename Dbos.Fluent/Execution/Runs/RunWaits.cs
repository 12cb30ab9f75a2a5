using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Tracks what a run waits for and whether it does anything else. A run that only waits for long leaves memory.</summary>
/// <remarks>
/// A run leaves at once if its sleep is known to last longer than the limit. In any other wait it leaves once the wait has lasted that
/// long. The limit is real time; the remaining time of a sleep is workflow time. A run that could not leave stays for what it waits for
/// now, and may leave in a later wait.
/// </remarks>
internal sealed class RunWaits(TimeSpan unloadAfter, StoreClock clock, Func<IReadOnlyList<WaitRow>, Task<bool>> leave)
    : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<IReadOnlyList<WaitRow>?> waits = [];
    private TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? timer;
    private int branches = 1;
    private int changes;
    private bool left;
    private bool over;

    /// <summary>What the run waits for now, except waits that keep it in memory.</summary>
    public IReadOnlyList<WaitRow> Current
    {
        get
        {
            lock (gate)
            {
                return [.. waits.SelectMany(wait => wait ?? [])];
            }
        }
    }

    /// <summary>Splits the run into concurrent branches, until the fork is disposed.</summary>
    // A fork into no branches counts as one: the code that forked continues at once, and must not look as if it waited.
    public Branches Fork(int count)
    {
        var all = Math.Max(count, 1);
        Change(() => branches += all - 1);
        return new Branches(this, all);
    }

    /// <summary>Called when a branch begins to wait.</summary>
    /// <param name="wait">What it waits for, one of which is enough; null for a wait that keeps the run in memory.</param>
    public void Begin(IReadOnlyList<WaitRow>? wait) => Change(() => waits.Add(wait));

    /// <summary>Called when a wait is over.</summary>
    /// <returns>
    /// If the run has begun to leave memory, completes when it is known whether it leaves; at once otherwise. Until then nothing may be
    /// written: the run could take a message for which it then waits elsewhere.
    /// </returns>
    public Task EndAsync(IReadOnlyList<WaitRow>? wait)
    {
        Change(() => waits.Remove(wait));
        lock (gate)
        {
            return left ? settled.Task : Task.CompletedTask;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            (left, over) = (true, true);
            timer?.Dispose();
            settled.TrySetResult();
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

        Leave(leaving);
    }

    private void Leave(IReadOnlyList<WaitRow>? leaving)
    {
        if (leaving is not null)
        {
            // Not awaited: the code that ends a wait learns the result.
            _ = LeaveAsync(leaving);
        }
    }

    private async Task LeaveAsync(IReadOnlyList<WaitRow> leaving)
    {
        var leaves = false;
        try
        {
            leaves = await leave(leaving).ConfigureAwait(false);
        }
        finally
        {
            lock (gate)
            {
                settled.TrySetResult();
                if (!leaves && !over)
                {
                    (left, settled) = (false, new(TaskCreationOptions.RunContinuationsAsynchronously));
                }
            }
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

        Leave(leaving);
    }

    /// <summary>The branches of one fork.</summary>
    /// <remarks>
    /// A branch that ends because another has decided the group does not leave: the waits of cancelled branches must not look like those of
    /// the run. Nor does the last branch leave: the code that forked continues in its place and must not look as if it waited. Otherwise a
    /// run whose other branches wait for long would leave memory while it is working.
    /// </remarks>
    internal sealed class Branches(RunWaits waits, int count) : IDisposable
    {
        private int ended;

        /// <summary>Called when a branch has ended and the others, or the code that forked, continue.</summary>
        public void Leave() => waits.Change(() =>
        {
            if (ended + 1 < count)
            {
                ended++;
                waits.branches--;
            }
        });

        public void Dispose() => waits.Change(() => waits.branches += 1 - (count - ended));
    }
}
