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
    /// Called with the outcome that a run has stored, while it still counts as running here. Awaiters in this process then get the outcome
    /// itself, not only what the database recorded of it.
    /// </summary>
    public required Action<ClaimedWorkflow, WorkflowOutcome> Ending { get; init; }

    /// <summary>Called whenever a run has ended, with what it stored.</summary>
    public required Action<ClaimedWorkflow, WorkflowOutcome?> Ended { get; init; }

    /// <summary>
    /// Called when a workflow has given up its place in a queue: at its end, or earlier if it was ended or taken away from outside and its
    /// body has not noticed yet.
    /// </summary>
    public required Action<ClaimedWorkflow> GaveUpPlace { get; init; }

    /// <summary>How many workflows of each queue run here.</summary>
    public QueueLoad Load => load;

    /// <summary>Called with an execution that the engine itself failed to run; its row still carries the token.</summary>
    public required Action<Ownership> Crashed { get; init; }

    /// <summary>The runs that do something. Runs that only wait for a moment or another workflow need no capacity.</summary>
    public int Busy => all.Count(pair => !pair.Key.Scope.IsWaiting);

    /// <summary>Whether any run that does something is of this kind.</summary>
    public bool AnyBusy(Func<ClaimedWorkflow, bool> kind) => all.Any(pair => !pair.Key.Scope.IsWaiting && kind(pair.Key.Scope.Work));

    public int Count => all.Count;

    /// <summary>The current executions, one for each workflow, with the ownership that their rows should have.</summary>
    public IReadOnlyList<Ownership> Executions =>
        [.. latest.Values.Where(entry => !entry.Scope.Stop.IsFired).Select(entry => entry.Scope.Owner)];

    /// <summary>The tokens of workflows that are about to begin.</summary>
    public TokensInHand InHand { get; } = new();

    /// <summary>
    /// What this engine owns: the tokens of workflows about to begin, and all executions that have not ended, even stopped ones.
    /// </summary>
    // In this order, a workflow that begins in between is in at least one of the two.
    public OwnRows Own => new([.. InHand.All], [.. all.Keys.Select(entry => entry.Scope.Owner)]);

    /// <summary>
    /// True while a run here owns the workflow. A stopped run may continue in a body that ignores its token, but its outcome is the row's.
    /// </summary>
    public bool Contains(string workflowId) => latest.TryGetValue(workflowId, out var entry) && !entry.Scope.Stop.IsFired;

    /// <summary>The run here that owns a workflow; null if none does.</summary>
    public RunScope? Find(string workflowId) =>
        latest.TryGetValue(workflowId, out var entry) && !entry.Scope.Stop.IsFired ? entry.Scope : null;

    /// <summary>Runs a workflow that this process owns, and stops an earlier run of it that has not noticed yet.</summary>
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

        // A sweep or a refused write may find that the workflow was ended or taken away. Its place is then free, whether or not the body
        // heeds its token.
        entry.Scope.Stop.Token.UnsafeRegister(_ => GiveUpPlaceIfLost(entry), null);

        // The caller's AsyncLocals (its Activity, its culture) are not the workflow's: every run starts from a clean context.
        using (ExecutionContext.SuppressFlow())
        {
            all[entry] = entry.RunAsync(
                (ended, end) =>
                {
                    // The next generation briefly runs beside the ended one, so that the row always has a run. It takes over the place in
                    // the queue before its token is let go.
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

        // A start may become durable while the engine stops. Its row is handed on, so its body must not begin here. The code that stops
        // runs has seen this run by now, or this check sees that it stops them.
        TellIfStopping(entry);

        if (entry.HasEnded)
        {
            all.TryRemove(entry, out _);
        }
    }

    /// <summary>How many runs have begun: a mark that separates earlier runs from later ones.</summary>
    public long Begun => Interlocked.Read(ref begun);

    /// <summary>Tells a run that its workflow was cancelled or taken away.</summary>
    /// <param name="workflowId">The workflow.</param>
    /// <param name="reason">Why.</param>
    /// <param name="upTo">
    /// The mark from before the database was asked to do so. A run that began later may be the workflow's next run; if it is not, it finds
    /// out by its token.
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
        // The latest run of its workflow, as a rule. To look through all for each of thousands that are lost at once would take seconds.
        if (latest.TryGetValue(execution.WorkflowId, out var run) && run.Scope.Owner == execution)
        {
            run.Scope.Stop.Fire(reason);
            return;
        }

        foreach (var entry in all.Keys.Where(entry => entry.Scope.Owner == execution))
        {
            entry.Scope.Stop.Fire(reason);
        }
    }

    /// <summary>Fires the step tokens of all runs, and of every run that begins from now on.</summary>
    public void BeginDrain()
    {
        draining = true;
        foreach (var entry in all.Keys)
        {
            entry.Scope.Steps.Fire(CancellationReason.Shutdown);
        }
    }

    /// <summary>Waits until no run is busy or the limit is over, then stops the remaining runs.</summary>
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

    /// <summary>Waits for stopped runs to end, but no longer than the limit, as a body may ignore its token.</summary>
    public async Task WaitForEndAsync(TimeSpan limit)
    {
        try
        {
            await Task.WhenAll(all.Values).WaitAsync(limit, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The run may continue in memory, but its row is fenced: nothing it does is written.
        }
    }

    // Between its child's end and its own next step, a parent still counts as waiting. So the quiet must last.
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
        // A run that stops only because the engine stops keeps its row and place until the row is handed on. A run that continues in a next
        // generation passes its place on: a sweep may see the new token before that generation has begun, which stops this run.
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

        /// <summary>The run's position in the order in which runs have begun.</summary>
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
                // The engine's code failed, not the user's, which the run itself handles. The row is handed back for another attempt.
                Scope.Environment.Logger.RunCrashed(Scope.Work.Id, Scope.Work.Name, exception);
                crashed(Scope.Owner);
            }

            ended(this, end);
        }

        /// <summary>True on the first call only.</summary>
        public bool TryGiveUpPlace() => Interlocked.Exchange(ref gaveUpPlace, 1) == 0;

        public void Dispose() => Scope.Dispose();
    }
}
