using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>Waits for things in the database, however many wait, with one query at a time and no poll loop for each.</summary>
/// <remarks>
/// A waiter registers first and looks second, so what comes between the two is not missed. In this process it may be told directly;
/// another process's doings are looked up when a signal names them, and at each covering poll. Lookups gather: what was asked for while one
/// query was under way is the next query. An answer is for those who registered before it was asked: to others it may be out of date.
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
    private readonly Dictionary<TKey, List<Registration>> awaited = [];
    private readonly Dictionary<string, HashSet<TKey>> bySignal = new(StringComparer.Ordinal);
    private readonly HashSet<TKey> asked = [];

    // In the order asked, so that where more is asked than can be looked at, each has its turn.
    private readonly Queue<TKey> line = new();
    private TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool looking;
    private long registered;

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
            if (!awaited.TryGetValue(key, out var waiters))
            {
                awaited.Add(key, waiters = []);
                foreach (var signal in signalsOf(key))
                {
                    (bySignal.TryGetValue(signal, out var keys) ? keys : bySignal[signal] = []).Add(key);
                }
            }

            var registration = new Registration(this, key, ++registered);
            waiters.Add(registration);
            if (stopped.IsCancellationRequested)
            {
                registration.Source.TrySetCanceled(stopped);
            }

            return registration;
        }
    }

    /// <summary>Something is there; every waiter of the key is told, and none of them waits any more.</summary>
    public void Complete(TKey key, TFound found) => Take(key, long.MaxValue).ForEach(waiter => waiter.Source.TrySetResult(found));

    /// <summary>Something may be there.</summary>
    public void LookAt(TKey key) => LookAt([key]);

    /// <summary>
    /// Looks, and completes when that has been done, whether or not anything was found; at once where nobody waits for the key any more.
    /// </summary>
    public Task LookOnceAsync(TKey key)
    {
        lock (gate)
        {
            // Whoever registered has been told meanwhile. No query asks about the key then, and perhaps none will be made at all.
            if (!awaited.ContainsKey(key))
            {
                return Task.CompletedTask;
            }

            // The query that asks about this key is one that has not been taken yet.
            var next = looked.Task;
            LookAt([key]);
            return next;
        }
    }

    /// <summary>Looks as a wait does when it begins; completes at once where this process tells of the key itself.</summary>
    public Task LookFirstAsync(TKey key) => IsToldHere(key) ? Task.CompletedTask : LookOnceAsync(key);

    /// <summary>Looks at the keys that a signal names, if any is waited for.</summary>
    public void LookAtSignal(string signal) => LookAt(NamedBy(signal));

    /// <summary>Tells whoever waits for what a signal names, without a look: waiters who look by themselves when they are told.</summary>
    public void CompleteAtSignal(string signal, TFound found) => Array.ForEach(NamedBy(signal), key => Complete(key, found));

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

    private TKey[] NamedBy(string signal)
    {
        lock (gate)
        {
            return bySignal.TryGetValue(signal, out var named) ? [.. named] : [];
        }
    }

    private void Release(Registration registration)
    {
        lock (gate)
        {
            if (awaited.TryGetValue(registration.Key, out var waiters) && waiters.Remove(registration))
            {
                ForgetUnlessAwaited(registration.Key, waiters);
            }
        }
    }

    /// <summary>Takes those away who registered up to a number; they wait no more.</summary>
    private List<Registration> Take(TKey key, long upTo)
    {
        lock (gate)
        {
            if (!awaited.TryGetValue(key, out var waiters))
            {
                return [];
            }

            var taken = waiters.FindAll(waiter => waiter.Number <= upTo);
            waiters.RemoveAll(waiter => waiter.Number <= upTo);
            ForgetUnlessAwaited(key, waiters);
            return taken;
        }
    }

    // The last waiter takes the key with it, so that nobody's lost interest is looked up for ever.
    private void ForgetUnlessAwaited(TKey key, List<Registration> waiters)
    {
        if (waiters.Count > 0)
        {
            return;
        }

        awaited.Remove(key);
        foreach (var signal in signalsOf(key))
        {
            if (bySignal.TryGetValue(signal, out var keys) && keys.Remove(key) && keys.Count == 0)
            {
                bySignal.Remove(signal);
            }
        }
    }

    private void GiveUp()
    {
        Registration[] all;
        lock (gate)
        {
            all = [.. awaited.Values.SelectMany(waiters => waiters)];
            awaited.Clear();
            bySignal.Clear();
        }

        Array.ForEach(all, waiter => waiter.Source.TrySetCanceled(stopped));
    }

    private void LookAt(TKey[] keys)
    {
        lock (gate)
        {
            foreach (var key in keys.Where(key => awaited.ContainsKey(key) && asked.Add(key)))
            {
                line.Enqueue(key);
            }

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
        while (Take(out var upTo, out var done) is { } keys)
        {
            await LookAsync(keys, upTo).ConfigureAwait(false);
            done?.TrySetResult();
        }
    }

    private async Task LookAsync(TKey[] keys, long upTo)
    {
        try
        {
            var all = await StoreBackoff.RepeatAsync(_ => read(keys, stopped), stopped).ConfigureAwait(false);
            foreach (var (key, found) in all)
            {
                Take(key, upTo).ForEach(waiter => waiter.Source.TrySetResult(found));
            }
        }
        catch (Exception) when (keys.Length > 1 && !stopped.IsCancellationRequested)
        {
            // What cannot be read of one of them is nothing to those who wait for the others.
            foreach (var key in keys)
            {
                await LookAsync([key], upTo).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            // The waiters of these keys are all there is to tell, and they are told.
            Array.ForEach(keys, key => Take(key, upTo).ForEach(waiter => waiter.Fail(exception)));
        }
    }

    /// <summary>The keys of the next query; null where none is asked about.</summary>
    /// <param name="upTo">The number of the last waiter to whom the answer is news.</param>
    /// <param name="done">What to complete after it: everything asked about so far is in it, or in one before it.</param>
    private TKey[]? Take(out long upTo, out TaskCompletionSource? done)
    {
        done = null;
        lock (gate)
        {
            upTo = registered;
            if (asked.Count == 0)
            {
                looking = false;
                return null;
            }

            var keys = new TKey[Math.Min(line.Count, QueryMax)];
            for (var n = 0; n < keys.Length; n++)
            {
                asked.Remove(keys[n] = line.Dequeue());
            }

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

        internal Registration(GatheredWaits<TKey, TFound> waits, TKey key, long number) =>
            (this.waits, Key, Number) = (waits, key, number);

        /// <summary>What was found.</summary>
        public Task<TFound> Found => Source.Task;

        internal TKey Key { get; }

        /// <summary>Its place in the order in which all have registered.</summary>
        internal long Number { get; }

        internal TaskCompletionSource<TFound> Source { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose() => waits.Release(this);

        // One that has given up meanwhile, or has been told by another of its waits, never looks at it.
        internal void Fail(Exception exception)
        {
            Source.TrySetException(exception);
            _ = Found.Exception;
        }
    }
}
