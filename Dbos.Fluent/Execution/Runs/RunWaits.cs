using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>What a run waits for at this moment, and whether it does anything else: if not for long, it leaves memory.</summary>
/// <remarks>
/// A sleep that is known to last longer than the limit leaves at once; any other wait once it has lasted that long. The limit is real
/// time; the remaining time of a sleep is workflow time.
/// </remarks>
internal sealed class RunWaits(TimeSpan unloadAfter, StoreClock clock, Func<IReadOnlyList<WaitRow>, Task> leave) : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<IReadOnlyList<WaitRow>?> waits = [];
    private readonly TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? timer;
    private int branches = 1;
    private int changes;
    private bool left;

    /// <summary>What is waited for at this moment, as far as the run can leave memory for it.</summary>
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

    /// <summary>The run goes on in several branches at once, until the fork is disposed.</summary>
    // A fork into none is one all the same: whoever forked goes on at once, and must not look as if it waited.
    public Branches Fork(int count)
    {
        var all = Math.Max(count, 1);
        Change(() => branches += all - 1);
        return new Branches(this, all);
    }

    /// <summary>A branch begins to wait.</summary>
    /// <param name="wait">For what, one of which is enough; null for a wait that keeps the run in memory.</param>
    public void Begin(IReadOnlyList<WaitRow>? wait) => Change(() => waits.Add(wait));

    /// <summary>A wait is over.</summary>
    /// <returns>
    /// Completes when it is known whether the run leaves memory, where it had begun to: until then nothing may be written, or a message
    /// could be taken by a run that then waits for it elsewhere.
    /// </returns>
    public Task EndAsync(IReadOnlyList<WaitRow>? wait)
    {
        Change(() => waits.Remove(wait));
        return Volatile.Read(ref left) ? settled.Task : Task.CompletedTask;
    }

    public void Dispose()
    {
        lock (gate)
        {
            left = true;
            timer?.Dispose();
        }

        settled.TrySetResult();
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
            // Nobody awaits it: what becomes of it is told to whoever ends a wait.
            _ = leave(leaving).ContinueWith(
                _ => settled.TrySetResult(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
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
    /// A branch that ends because another has been decided upon does not leave: what the cancelled ones still wait for must not look like
    /// what the run waits for. Nor does the last one: whoever forked goes on in its place, and until then must not look as if it waited,
    /// or a run whose other branches wait for long would leave memory while it is working.
    /// </remarks>
    internal sealed class Branches(RunWaits waits, int count) : IDisposable
    {
        private int ended;

        /// <summary>One of them has ended; the others go on, or whoever forked does.</summary>
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
