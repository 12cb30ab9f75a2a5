using System.Collections.Concurrent;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The workflows that run in this process now.</summary>
internal sealed class RunningWorkflows
{
    private readonly ConcurrentDictionary<string, Entry> latest = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Entry, Task> all = new();
    private readonly QueueLoad load = new();
    private long begun;
    private volatile bool draining;
    private volatile bool stopped;

    /// <summary>
    /// Called with what a run has stored at its end, while it still counts as running here: whoever waits for it in this process learns of
    /// it at first hand, and not by a look that knows its record alone.
    /// </summary>
    public required Action<ClaimedWorkflow, WorkflowOutcome> Ending { get; init; }

    /// <summary>Called whenever a run has ended, with what it stored.</summary>
    public required Action<ClaimedWorkflow, WorkflowOutcome?> Ended { get; init; }

    /// <summary>
    /// Called when a workflow has given up its place in a queue: at its end, or before that where it was ended or taken away from outside
    /// and its body has not noticed yet.
    /// </summary>
    public required Action<ClaimedWorkflow> GaveUpPlace { get; init; }

    /// <summary>What runs here of each queue.</summary>
    public QueueLoad Load => load;

    /// <summary>Called with an execution that the engine itself failed to run; its row still carries the token.</summary>
    public required Action<Ownership> Crashed { get; init; }

    /// <summary>Runs that do something; those that only wait for a moment or another workflow need no capacity.</summary>
    public int Busy => all.Count(pair => !pair.Key.Scope.IsWaiting);

    /// <summary>Whether any run that does something is of this kind.</summary>
    public bool AnyBusy(Func<ClaimedWorkflow, bool> kind) => all.Any(pair => !pair.Key.Scope.IsWaiting && kind(pair.Key.Scope.Work));

    public int Count => all.Count;

    /// <summary>The executions under way, as their rows should be owned; one for each workflow.</summary>
    public IReadOnlyList<Ownership> Executions =>
        [.. latest.Values.Where(entry => !entry.Scope.Stop.IsFired).Select(entry => entry.Scope.Owner)];

    /// <summary>What is about to begin.</summary>
    public TokensInHand InHand { get; } = new();

    /// <summary>
    /// What is this engine's: what is about to begin, by its token, and all executions that have not ended, also stopped ones.
    /// </summary>
    // In this order: one that begins in between is in either of both, and never in none.
    public OwnRows Own => new([.. InHand.All], [.. all.Keys.Select(entry => entry.Scope.Owner)]);

    /// <summary>
    /// True while a run here owns the workflow. One that was stopped may go on in a body that ignores its token, but its outcome is the
    /// row's.
    /// </summary>
    public bool Contains(string workflowId) => latest.TryGetValue(workflowId, out var entry) && !entry.Scope.Stop.IsFired;

    /// <summary>The run of a workflow here; null where none owns it.</summary>
    public RunScope? Find(string workflowId) =>
        latest.TryGetValue(workflowId, out var entry) && !entry.Scope.Stop.IsFired ? entry.Scope : null;

    /// <summary>Runs a workflow this process owns. A former run of the same workflow that has not noticed yet is stopped.</summary>
    public void Begin(ClaimedWorkflow work, IReadOnlyList<CheckpointRow> checkpoints, RunEnvironment environment, IChildStarter starter)
    {
        var definition = environment.Registry.Find(work.Name)!;
        var history = checkpoints.Count == 0 ? History.Empty : new History(checkpoints);
        var entry = new Entry(work, history, definition, environment, starter) { Number = Interlocked.Increment(ref begun) };
        latest.AddOrUpdate(work.Id, entry, (_, former) =>
        {
            former.Scope.Stop.Fire(CancellationReason.Shutdown);
            return entry;
        });

        TellIfStopping(entry);
        load.Begin(work);

        // Whoever finds out that the workflow was ended or taken away, a sweep or a write that was refused: its place is free, whether or
        // not the body heeds its token.
        entry.Scope.Stop.Token.UnsafeRegister(_ => GiveUpPlaceIfLost(entry), null);

        // The caller's AsyncLocals (its Activity, its culture) are not the workflow's: every run starts from a clean context.
        using (ExecutionContext.SuppressFlow())
        {
            all[entry] = entry.RunAsync(
                (ended, end) =>
                {
                    // The next generation stands beside the ended one for a moment, so that the row is never without a run. It takes
                    // over the place in the queue, before its token is let go.
                    if (end?.Next is { } next)
                    {
                        if (!draining)
                        {
                            Begin(next, [], environment, starter);
                            PassOnPlace(ended);
                        }

                        InHand.LetGo(next.Token);
                    }

                    End(ended, end?.Outcome);
                },
                Crashed);
        }

        // A start may become durable while the engine stops: its row is handed on, so its body must not begin here. Whoever stops runs has
        // seen this one by now, or is seen here.
        TellIfStopping(entry);

        if (entry.HasEnded)
        {
            all.TryRemove(entry, out _);
        }
    }

    /// <summary>How many runs have begun: a mark by which those before it are told from later ones.</summary>
    public long Begun => Interlocked.Read(ref begun);

    /// <summary>Tells a run that its workflow was cancelled or taken away.</summary>
    /// <param name="workflowId">The workflow.</param>
    /// <param name="reason">Why.</param>
    /// <param name="upTo">
    /// The mark from before the database was asked to do so. A run that began after it may be what follows, and finds out by its token if
    /// it is not.
    /// </param>
    public void Stop(string workflowId, CancellationReason reason, long upTo)
    {
        if (latest.TryGetValue(workflowId, out var entry) && entry.Number <= upTo)
        {
            entry.Scope.Stop.Fire(reason);
        }
    }

    /// <summary>Tells the run of this very execution, and no later one, that it has lost its row.</summary>
    public void Stop(Ownership execution, CancellationReason reason)
    {
        foreach (var entry in all.Keys.Where(entry => entry.Scope.Owner == execution))
        {
            entry.Scope.Stop.Fire(reason);
        }
    }

    /// <summary>Signals the step tokens, now and of whatever begins from now on.</summary>
    public void BeginDrain()
    {
        draining = true;
        foreach (var entry in all.Keys)
        {
            entry.Scope.Steps.Fire(CancellationReason.Shutdown);
        }
    }

    /// <summary>Waits until nothing runs that could still finish, or the time is over; then stops what is left.</summary>
    public async Task DrainAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(limit);
        await SettleAsync(end.Token).ConfigureAwait(false);
        stopped = true;
        foreach (var entry in all.Keys)
        {
            entry.Scope.Stop.Fire(CancellationReason.Shutdown);
        }
    }

    /// <summary>Waits for runs that were stopped; a body that ignores its token is not waited for longer than this.</summary>
    public async Task WaitForEndAsync(TimeSpan limit)
    {
        try
        {
            await Task.WhenAll(all.Values).WaitAsync(limit, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It may go on in memory, but its row is fenced: nothing it does is written.
        }
    }

    // A parent counts as waiting for the moment between its child's end and its own going on, so the quiet must last.
    private async Task SettleAsync(CancellationToken end)
    {
        var quiet = 0;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        try
        {
            while (quiet < 3 && !all.IsEmpty)
            {
                quiet = Busy == 0 ? quiet + 1 : 0;
                await timer.WaitForNextTickAsync(end).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The time is over.
        }
    }

    private void TellIfStopping(Entry entry)
    {
        if (stopped)
        {
            entry.Scope.Stop.Fire(CancellationReason.Shutdown);
        }
        else if (draining)
        {
            entry.Scope.Steps.Fire(CancellationReason.Shutdown);
        }
    }

    private void GiveUpPlaceIfLost(Entry entry)
    {
        // What is stopped only because the engine is keeps its row, and its place with it, until that is handed on. And what goes on in a
        // next generation passes its place on: a sweep may see that one's token before it has begun, and its beginning stops this one.
        var isOurs = (stopped && entry.Scope.Stop.Reason == CancellationReason.Shutdown) || InHand.IsFollowed(entry.Scope.Work.Token);
        if (!isOurs)
        {
            GiveUpPlace(entry);
        }
    }

    private void GiveUpPlace(Entry entry)
    {
        if (entry.TryGiveUpPlace())
        {
            load.End(entry.Scope.Work);
            GaveUpPlace(entry.Scope.Work);
        }
    }

    private void PassOnPlace(Entry entry)
    {
        if (entry.TryGiveUpPlace())
        {
            load.End(entry.Scope.Work);
        }
    }

    private void End(Entry entry, WorkflowOutcome? outcome)
    {
        if (outcome is not null)
        {
            Ending(entry.Scope.Work, outcome);
        }

        entry.HasEnded = true;
        latest.TryRemove(KeyValuePair.Create(entry.Scope.Work.Id, entry));
        all.TryRemove(entry, out _);
        entry.Dispose();
        GiveUpPlace(entry);
        Ended(entry.Scope.Work, outcome);
    }

    private sealed class Entry : IDisposable
    {
        private volatile bool hasEnded;
        private int gaveUpPlace;

        public Entry(
            ClaimedWorkflow work, History history, WorkflowDefinition definition, RunEnvironment environment, IChildStarter starter)
        {
            Scope = new RunScope(work, history, new RunFacts(work, history, environment.WorkflowLogger), environment);
            Run = new WorkflowRun(Scope, definition, starter);
        }

        /// <summary>Its place in the order in which all have begun.</summary>
        public required long Number { get; init; }

        public RunScope Scope { get; }

        public WorkflowRun Run { get; }

        public bool HasEnded { get => hasEnded; set => hasEnded = value; }

        public async Task RunAsync(Action<Entry, RunEnd?> ended, Action<Ownership> crashed)
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            RunEnd? end = null;
            try
            {
                end = await Run.RunAsync().ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // Not the user's code, which the run answers for, but the engine's: the row is handed back for another attempt.
                Scope.Environment.Logger.RunCrashed(Scope.Work.Id, Scope.Work.Name, exception);
                crashed(Scope.Owner);
            }

            ended(this, end);
        }

        /// <summary>True once.</summary>
        public bool TryGiveUpPlace() => Interlocked.Exchange(ref gaveUpPlace, 1) == 0;

        public void Dispose() => Scope.Dispose();
    }
}
