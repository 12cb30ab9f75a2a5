using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>Waits for workflows to end, however many wait, with one query at a time and no poll loop for each.</summary>
/// <remarks>
/// A waiter registers first and looks second, so an end between the two is not missed. In this process an end is told directly; another
/// process's is looked up when a signal names it, and at each covering poll. Lookups gather: what was asked for while one query was under
/// way is
/// the next query.
/// </remarks>
internal sealed class OutcomeWaiter
{
    private const int QueryMax = 1000;

    private readonly IWorkflowStore store;
    private readonly Func<string, bool> runsHere;
    private readonly CancellationToken stopped;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Awaited> awaited = new(StringComparer.Ordinal);
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);
    private bool looking;

    public OutcomeWaiter(IWorkflowStore store, Func<string, bool> runsHere, CancellationToken stopped)
    {
        (this.store, this.runsHere, this.stopped) = (store, runsHere, stopped);

        // Nobody looks any more once the engine has stopped, so whoever waits must be told then.
        stopped.UnsafeRegister(static waiter => ((OutcomeWaiter)waiter!).GiveUp(), this);
    }

    /// <summary>How many workflows are awaited.</summary>
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

    /// <summary>Waits until the workflow has ended. An unknown id gives an outcome without a state.</summary>
    /// <exception cref="OperationCanceledException">The wait was given up, or the engine has stopped.</exception>
    public async Task<WorkflowOutcome> WaitAsync(string workflowId, CancellationToken cancellationToken)
    {
        var entry = Register(workflowId);
        try
        {
            stopped.ThrowIfCancellationRequested();
            if (!runsHere(workflowId))
            {
                BeginLook([workflowId]);
            }

            return await entry.Ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Release(workflowId, entry);
        }
    }

    /// <summary>A workflow that ran here has ended.</summary>
    public void Complete(WorkflowOutcome outcome) => Remove(outcome.Row.Id)?.Ended.TrySetResult(outcome);

    /// <summary>A workflow may have ended, or it no longer runs here.</summary>
    public void LookAt(string workflowId) => BeginLook([workflowId]);

    /// <summary>Looks at every workflow that is awaited and does not run here, if there is one.</summary>
    public void LookAtAll()
    {
        string[] ids;
        lock (gate)
        {
            ids = [.. awaited.Keys];
        }

        BeginLook([.. ids.Where(id => !runsHere(id))]);
    }

    private Awaited Register(string workflowId)
    {
        lock (gate)
        {
            if (!awaited.TryGetValue(workflowId, out var entry))
            {
                awaited.Add(workflowId, entry = new Awaited());
            }

            entry.Waiters++;
            return entry;
        }
    }

    // The last waiter takes the entry with it, so that nobody's lost interest is looked up for ever.
    private void Release(string workflowId, Awaited entry)
    {
        lock (gate)
        {
            if (--entry.Waiters == 0 && awaited.GetValueOrDefault(workflowId) == entry)
            {
                awaited.Remove(workflowId);
            }
        }
    }

    private void GiveUp()
    {
        Awaited[] all;
        lock (gate)
        {
            all = [.. awaited.Values];
            awaited.Clear();
        }

        Array.ForEach(all, entry => entry.Ended.TrySetCanceled(stopped));
    }

    private Awaited? Remove(string workflowId)
    {
        lock (gate)
        {
            awaited.Remove(workflowId, out var entry);
            return entry;
        }
    }

    private void BeginLook(string[] ids)
    {
        lock (gate)
        {
            asked.UnionWith(ids.Where(awaited.ContainsKey));
            if (looking || asked.Count == 0)
            {
                return;
            }

            looking = true;
        }

        // Nobody awaits it: what it finds, and any failure to find it, goes to the waiters.
        _ = LookAsync();
    }

    private async Task LookAsync()
    {
        while (Take() is { } ids)
        {
            try
            {
                var outcomes = await StoreBackoff.RepeatAsync(_ => store.ReadOutcomesAsync(ids, stopped), stopped).ConfigureAwait(false);
                foreach (var outcome in outcomes)
                {
                    Complete(new WorkflowOutcome(outcome));
                }
            }
            catch (Exception exception)
            {
                // The waiters of these ids are all there is to tell, and they are told.
                Array.ForEach(ids, id => Remove(id)?.Ended.TrySetException(exception));
            }
        }
    }

    private string[]? Take()
    {
        lock (gate)
        {
            if (asked.Count == 0)
            {
                looking = false;
                return null;
            }

            string[] ids = [.. asked.Take(QueryMax)];
            asked.ExceptWith(ids);
            return ids;
        }
    }

    private sealed class Awaited
    {
        public TaskCompletionSource<WorkflowOutcome> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Waiters { get; set; }
    }
}
