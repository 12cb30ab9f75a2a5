using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>Waits for things in the database, however many wait, with one query at a time and no poll loop for each.</summary>
/// <remarks>
/// A waiter registers first and looks second, so what comes between the two is not missed. In this process it may be told directly;
/// another process's doings are looked up when a signal names them, and at each covering poll. Lookups gather: what was asked for while one
/// query was under way is the next query.
/// </remarks>
/// <typeparam name="TKey">What is waited for.</typeparam>
/// <typeparam name="TFound">What is found there.</typeparam>
internal sealed class GatheredWaits<TKey, TFound>
    where TKey : notnull
{
    private const int QueryMax = 1000;

    private readonly Func<IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyList<KeyValuePair<TKey, TFound>>>> read;
    private readonly Func<TKey, string[]> signalsOf;
    private readonly CancellationToken stopped;
    private readonly Lock gate = new();
    private readonly Dictionary<TKey, Awaited> awaited = [];
    private readonly Dictionary<string, HashSet<TKey>> bySignal = new(StringComparer.Ordinal);
    private readonly HashSet<TKey> asked = [];
    private TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool looking;

    /// <param name="read">Looks at keys together; gives those at which there is something.</param>
    /// <param name="signalsOf">The signals by which a key is named.</param>
    /// <param name="stopped">Ends all waiting.</param>
    public GatheredWaits(
        Func<IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyList<KeyValuePair<TKey, TFound>>>> read,
        Func<TKey, string[]> signalsOf,
        CancellationToken stopped)
    {
        (this.read, this.signalsOf, this.stopped) = (read, signalsOf, stopped);

        // Nobody looks any more once the engine has stopped, so whoever waits must be told then.
        stopped.UnsafeRegister(static waits => ((GatheredWaits<TKey, TFound>)waits!).GiveUp(), this);
    }

    /// <summary>How many different keys are waited for.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return awaited.Count;
            }
        }
    }

    /// <summary>Keys that are not looked up, because this process tells of them itself.</summary>
    public Func<TKey, bool> IsToldHere { get; init; } = _ => false;

    /// <summary>Registers, looks, and waits.</summary>
    /// <exception cref="OperationCanceledException">The wait was given up, or the engine has stopped.</exception>
    public async Task<TFound> WaitAsync(TKey key, CancellationToken cancellationToken)
    {
        using var wait = Register(key);
        stopped.ThrowIfCancellationRequested();
        if (!IsToldHere(key))
        {
            LookAt([key]);
        }

        return await wait.Found.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Registers a waiter that looks by itself; what comes from now on is not missed.</summary>
    public Registration Register(TKey key)
    {
        lock (gate)
        {
            if (!awaited.TryGetValue(key, out var entry))
            {
                awaited.Add(key, entry = new Awaited());
                foreach (var signal in signalsOf(key))
                {
                    (bySignal.TryGetValue(signal, out var keys) ? keys : bySignal[signal] = []).Add(key);
                }
            }

            entry.Waiters++;
            if (stopped.IsCancellationRequested)
            {
                entry.Source.TrySetCanceled(stopped);
            }

            return new Registration(this, key, entry);
        }
    }

    /// <summary>Something is there; every waiter of the key is told, and none of them waits any more.</summary>
    public void Complete(TKey key, TFound found) => Remove(key)?.Source.TrySetResult(found);

    /// <summary>Something may be there.</summary>
    public void LookAt(TKey key) => LookAt([key]);

    /// <summary>Looks, and completes when that has been done, whether or not anything was found.</summary>
    public Task LookOnceAsync(TKey key)
    {
        lock (gate)
        {
            // The query that asks about this key is one that has not been taken yet.
            var next = looked.Task;
            LookAt([key]);
            return next;
        }
    }

    /// <summary>
    /// Looks at these, and completes when that has been done; those that are told of here when they are found are not looked at.
    /// </summary>
    public Task LookOnceAsync(IReadOnlyList<TKey> keys)
    {
        TKey[] elsewhere = [.. keys.Where(key => !IsToldHere(key))];
        lock (gate)
        {
            var next = looked.Task;
            LookAt(elsewhere);
            return asked.Count == 0 ? Task.CompletedTask : next;
        }
    }

    /// <summary>Looks at the keys that a signal names, if any is waited for.</summary>
    public void LookAtSignal(string signal)
    {
        TKey[] keys;
        lock (gate)
        {
            if (!bySignal.TryGetValue(signal, out var named))
            {
                return;
            }

            keys = [.. named];
        }

        LookAt(keys);
    }

    /// <summary>Looks at everything that is waited for and not told of here.</summary>
    public void LookAtAll()
    {
        TKey[] keys;
        lock (gate)
        {
            keys = [.. awaited.Keys];
        }

        LookAt([.. keys.Where(key => !IsToldHere(key))]);
    }

    // The last waiter takes the entry with it, so that nobody's lost interest is looked up for ever.
    private void Release(TKey key, Awaited entry)
    {
        lock (gate)
        {
            if (--entry.Waiters == 0 && awaited.GetValueOrDefault(key) == entry)
            {
                Forget(key);
            }
        }
    }

    private Awaited? Remove(TKey key)
    {
        lock (gate)
        {
            return awaited.TryGetValue(key, out var entry) ? Forget(key, entry) : null;
        }
    }

    private Awaited? Forget(TKey key, Awaited? entry = null)
    {
        awaited.Remove(key);
        foreach (var signal in signalsOf(key))
        {
            if (bySignal.TryGetValue(signal, out var keys) && keys.Remove(key) && keys.Count == 0)
            {
                bySignal.Remove(signal);
            }
        }

        return entry;
    }

    private void GiveUp()
    {
        Awaited[] all;
        lock (gate)
        {
            all = [.. awaited.Values];
            awaited.Clear();
            bySignal.Clear();
        }

        Array.ForEach(all, entry => entry.Source.TrySetCanceled(stopped));
    }

    private void LookAt(TKey[] keys)
    {
        lock (gate)
        {
            asked.UnionWith(keys.Where(awaited.ContainsKey));
            if (looking || asked.Count == 0)
            {
                return;
            }

            looking = true;
        }

        // Nobody awaits it: what it finds, and any failure to find it, goes to the waiters.
        _ = Task.Run(LookAsync, CancellationToken.None);
    }

    private async Task LookAsync()
    {
        while (Take(out var done) is { } keys)
        {
            try
            {
                var all = await StoreBackoff.RepeatAsync(_ => read(keys, stopped), stopped).ConfigureAwait(false);
                foreach (var (key, found) in all)
                {
                    Complete(key, found);
                }
            }
            catch (Exception exception)
            {
                // The waiters of these keys are all there is to tell, and they are told.
                Array.ForEach(keys, key => Remove(key)?.Source.TrySetException(exception));
            }

            done?.TrySetResult();
        }
    }

    /// <summary>The keys of the next query; null where none is asked about.</summary>
    /// <param name="done">What to complete after it: everything asked about so far is in it, or in one before it.</param>
    private TKey[]? Take(out TaskCompletionSource? done)
    {
        done = null;
        lock (gate)
        {
            if (asked.Count == 0)
            {
                looking = false;
                return null;
            }

            TKey[] keys = [.. asked.Take(QueryMax)];
            asked.ExceptWith(keys);
            if (asked.Count == 0)
            {
                (done, looked) = (looked, new(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            return keys;
        }
    }

    /// <summary>One waiter of a key, until it is disposed.</summary>
    public sealed class Registration : IDisposable
    {
        private readonly GatheredWaits<TKey, TFound> waits;
        private readonly TKey key;
        private readonly Awaited entry;
        private int disposed;

        internal Registration(GatheredWaits<TKey, TFound> waits, TKey key, object entry) =>
            (this.waits, this.key, this.entry) = (waits, key, (Awaited)entry);

        /// <summary>What was found.</summary>
        public Task<TFound> Found => entry.Source.Task;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref disposed, 1) == 0)
            {
                waits.Release(key, entry);
            }
        }
    }

    private sealed class Awaited
    {
        public TaskCompletionSource<TFound> Source { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Waiters { get; set; }
    }
}
