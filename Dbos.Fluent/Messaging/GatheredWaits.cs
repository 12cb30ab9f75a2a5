using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>Waits for things in the database with one query at a time for all waiters, and no poll loop for each.</summary>
/// <remarks>
/// A waiter registers first and looks second, so it misses nothing that arrives in between. Code in this process may complete it directly.
/// Changes by other processes are looked up when a signal names them, and at each covering poll. Lookups are batched: keys that are asked
/// for during one query form the next query. An answer counts only for waiters that registered before its query, as for others it may be
/// out of date.
/// </remarks>
/// <typeparam name="TKey">The key of a thing to wait for.</typeparam>
/// <typeparam name="TFound">The value that is found for a key.</typeparam>
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

    // The keys of the next queries, and what to call once each has been answered.
    private readonly Dictionary<TKey, Action?> asked = [];

    // The same keys in the order of their turns: what is asked about first is not asked about again before the last.
    private readonly Queue<TKey> line = new();
    private bool looking;
    private int portion = QueryMax;
    private long registered;

    /// <param name="read">Looks up keys together; returns those for which something is there.</param>
    /// <param name="signalsOf">Gives the signals that name a key.</param>
    /// <param name="stopped">Ends all waiting.</param>
    public GatheredWaits(
        Func<IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyList<KeyValuePair<TKey, TFound>>>> read,
        Func<TKey, string[]> signalsOf,
        CancellationToken stopped)
    {
        (this.read, this.signalsOf, this.stopped) = (read, signalsOf, stopped);

        // Once the engine has stopped nobody looks any more, so all waiters must be cancelled then.
        stopped.UnsafeRegister(static waits => ((GatheredWaits<TKey, TFound>)waits!).GiveUp(), this);
    }

    /// <summary>How many different keys have waiters.</summary>
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

    /// <summary>A mark that separates the waiters that have registered by now from later ones.</summary>
    public long Registered => Interlocked.Read(ref registered);

    /// <summary>Whether a key is not looked up because this process completes it itself.</summary>
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

    /// <summary>Registers a waiter that looks by itself; it misses nothing that arrives from now on.</summary>
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

    /// <summary>Reports what was found for a key; every waiter of the key gets it and stops waiting.</summary>
    public void Complete(TKey key, TFound found) => Take(key, long.MaxValue).ForEach(waiter => waiter.Source.TrySetResult(found));

    /// <summary>
    /// The same for the waiters that had registered at a mark. Those that came later look it up, as they may wait for something newer.
    /// </summary>
    public void Complete(TKey key, TFound found, long upTo)
    {
        Take(key, upTo).ForEach(waiter => waiter.Source.TrySetResult(found));
        LookAt(key);
    }

    /// <summary>Looks a key up, as something may be there.</summary>
    public void LookAt(TKey key) => LookAt([key]);

    /// <summary>
    /// Looks a key up, and completes when that is answered, whether or not anything was found; completes at once if the key has no waiters.
    /// </summary>
    /// <remarks>A query without an answer says nothing about what is there: the key is asked about again until there is one.</remarks>
    public Task LookOnceAsync(TKey key)
    {
        lock (gate)
        {
            // The waiters have been completed in the meantime. No query asks about the key then, and perhaps no further query follows.
            if (!awaited.ContainsKey(key))
            {
                return Task.CompletedTask;
            }

            // A query that has not been taken yet will ask about this key.
            var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Ask(key, answered.SetResult);
            BeginLooks();
            return answered.Task;
        }
    }

    /// <summary>Looks a key up as a beginning wait does; completes at once if this process completes the key itself.</summary>
    public Task LookFirstAsync(TKey key) => IsToldHere(key) ? Task.CompletedTask : LookOnceAsync(key);

    /// <summary>Looks up the keys that a signal names, if they have waiters.</summary>
    public void LookAtSignal(string signal) => LookAt(NamedBy(signal));

    /// <summary>Completes all waiters of the keys that a signal names, without a lookup; these waiters then look by themselves.</summary>
    public void CompleteAtSignal(string signal, TFound found) => Array.ForEach(NamedBy(signal), key => Complete(key, found));

    /// <summary>Looks up every key with waiters that this process does not complete itself.</summary>
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

    /// <summary>Removes and returns the waiters of a key that registered up to a number.</summary>
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

    // The last waiter removes the key, so that a key without waiters is not looked up for ever.
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
            foreach (var key in keys.Where(awaited.ContainsKey))
            {
                Ask(key, answered: null);
            }

            BeginLooks();
        }
    }

    private void Ask(TKey key, Action? answered)
    {
        if (asked.TryAdd(key, answered))
        {
            line.Enqueue(key);
        }
        else if (answered is not null)
        {
            asked[key] += answered;
        }
    }

    private void BeginLooks()
    {
        if (looking || asked.Count == 0)
        {
            return;
        }

        looking = true;

        // Not awaited: its results and failures go to the waiters.
        _ = Task.Run(LookAsync, CancellationToken.None);
    }

    private async Task LookAsync()
    {
        while (Take(out var upTo) is { } looks)
        {
            await LookAsync(looks, upTo).ConfigureAwait(false);
        }
    }

    private async Task LookAsync(Question[] looks, long upTo)
    {
        TKey[] keys = [.. looks.Select(look => look.Key)];
        try
        {
            // A query that takes too long would do so each time, and hold up everybody: it is split, and the next is as small.
            var all = await StoreBackoff.RepeatInTimeAsync(
                "look for what is awaited",
                _ => read(keys, stopped),
                stopped,
                timeoutsMax: keys.Length > 1 ? 1 : StoreBackoff.TimeoutsMax).ConfigureAwait(false);
            portion = keys.Length < portion ? portion : Math.Min(2 * portion, QueryMax);
            foreach (var (key, found) in all)
            {
                Take(key, upTo).ForEach(waiter => waiter.Source.TrySetResult(found));
            }

            Array.ForEach(looks, look => look.Answered?.Invoke());
        }
        catch (Exception) when (keys.Length > 1 && !stopped.IsCancellationRequested)
        {
            // A failure to read one key must not affect the waiters of the others.
            var half = keys.Length / 2;
            portion = Math.Min(portion, half);
            await LookAsync(looks[..half], upTo).ConfigureAwait(false);
            await LookAsync(looks[half..], upTo).ConfigureAwait(false);
        }
        catch (StoreUnavailableException slow) when (slow.Contact is { Back.IsCompleted: false })
        {
            // Nothing is answered: what is there is known only when the database is back.
            await LookAsync(looks, upTo).ConfigureAwait(false);
        }
        catch (StoreUnavailableException)
        {
            // What this key holds is too much to be read in time, or the database is overloaded. The others get their turn first.
            Array.ForEach(looks, AskAgain);
        }
        catch (Exception exception)
        {
            // Only the waiters of these keys need to know, and they get the exception.
            Array.ForEach(keys, key => Take(key, upTo).ForEach(waiter => waiter.Fail(exception)));
            Array.ForEach(looks, look => look.Answered?.Invoke());
        }
    }

    private void AskAgain(Question look)
    {
        lock (gate)
        {
            if (awaited.ContainsKey(look.Key))
            {
                Ask(look.Key, look.Answered);
                return;
            }
        }

        // Nobody waits for it any more.
        look.Answered?.Invoke();
    }

    /// <summary>Takes what the next query asks about; null if no key is asked about.</summary>
    /// <param name="upTo">The number of the last waiter for whom the answer counts.</param>
    private Question[]? Take(out long upTo)
    {
        lock (gate)
        {
            upTo = registered;
            if (asked.Count == 0)
            {
                looking = false;
                return null;
            }

            var looks = new Question[Math.Min(line.Count, portion)];
            for (var n = 0; n < looks.Length; n++)
            {
                var key = line.Dequeue();
                asked.Remove(key, out var answered);
                looks[n] = new Question(key, answered);
            }

            return looks;
        }
    }

    /// <summary>A key that a query asks about.</summary>
    private readonly record struct Question(TKey Key, Action? Answered);

    /// <summary>One waiter of a key; it waits until it is disposed.</summary>
    public sealed class Registration : IDisposable
    {
        private readonly GatheredWaits<TKey, TFound> waits;

        internal Registration(GatheredWaits<TKey, TFound> waits, TKey key, long number) =>
            (this.waits, Key, Number) = (waits, key, number);

        /// <summary>Completes with the value that was found.</summary>
        public Task<TFound> Found => Source.Task;

        internal TKey Key { get; }

        /// <summary>The position in the order of all registrations.</summary>
        internal long Number { get; }

        internal TaskCompletionSource<TFound> Source { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose() => waits.Release(this);

        // A waiter that has given up, or was completed by another of its waits, never observes the exception.
        internal void Fail(Exception exception)
        {
            Source.TrySetException(exception);
            _ = Found.Exception;
        }
    }
}
