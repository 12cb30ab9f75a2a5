using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>Claims workflows for this process and runs them.</summary>
internal sealed class ClaimedRuns(
    IStore store, RunEnvironment environment, RunningWorkflows running, IChildStarter starter, int? recoveryAttemptsMax)
{
    // The sweep checks running workflows at this interval.
    private static readonly TimeSpan LongReading = TimeSpan.FromSeconds(1);

    // For the rows of a claim that was answered during the stop. What is not handed back by then is handed on at the end of the stop.
    private static readonly TimeSpan HandBackLimit = TimeSpan.FromSeconds(2);

    private readonly HistoryReader reader = new(store);

    /// <summary>Called with a claimed execution that could not be begun.</summary>
    public required Action<Ownership> NotBegun { get; init; }

    /// <summary>Called with the ids of claimed workflows that were handed back and can be claimed again.</summary>
    public required Action<IReadOnlyList<string>> HandedBack { get; init; }

    /// <summary>Called with the ids of workflows that were given up because their recovery attempts are spent.</summary>
    public required Action<IReadOnlyList<string>> DeadLettered { get; init; }

    /// <summary>Sets the rest after this engine has taken up workflows that another executor began.</summary>
    public TakeUpPace Pace { get; } = new(running);

    /// <summary>How many more workflows may be claimed.</summary>
    public ClaimRoom Room { get; } = new(environment, running);

    /// <summary>
    /// Gives the term of this engine's lease; callers ask before each claim, as an engine without a lease claims nothing.
    /// </summary>
    public async ValueTask<long> TermAsync(CancellationToken cancellationToken)
    {
        await environment.Lease.EnsureAsync(cancellationToken).ConfigureAwait(false);
        return environment.Lease.Term;
    }

    /// <summary>A claim for this engine, with a token of its own.</summary>
    public ClaimRequest Request(int limit) => new()
    {
        Token = Guid.CreateVersion7().ToString(),
        ExecutorId = environment.ExecutorId,
        ApplicationName = environment.ApplicationName,
        ApplicationVersion = environment.ApplicationVersion,
        WorkflowNames = environment.Registry.Names,
        Limit = limit,
    };

    /// <summary>Claims from queues without limits, runs the claimed workflows and returns how many rows the claim took.</summary>
    public async Task<ClaimEnd> ClaimAsync(int limit, IReadOnlyList<string> queues, CancellationToken cancellationToken)
    {
        var term = await TermAsync(cancellationToken).ConfigureAwait(false);
        var request = Request(limit) with { RecoveryAttemptsMax = recoveryAttemptsMax, Queues = queues };
        using var held = environment.InHand.Hold(request.Token);
        var repeated = false;
        var result = await StoreBackoff.RepeatAsync(
            failures =>
            {
                repeated = failures > 0;
                return LastStatement.FinishAsync(
                    token => store.Claims.ClaimAsync(request with { Repeated = repeated }, token), cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        await BeginAsync(result, term, cancellationToken).ConfigureAwait(false);
        if (queues is [QueueNames.Internal])
        {
            Pace.Took(result.Claimed);
        }

        // A repeated claim may return only what the lost answer held, so more rows may wait behind it.
        var taken = result.Claimed.Count + result.DeadLettered.Count;
        return new ClaimEnd(repeated && taken > 0 ? limit : taken, result.More);
    }

    /// <summary>Claims from one queue with limits and runs the claimed workflows.</summary>
    public async Task<LimitedClaim> ClaimLimitedAsync(WorkflowQueue queue, string afterPartition, CancellationToken cancellationToken)
    {
        var term = await TermAsync(cancellationToken).ConfigureAwait(false);
        using var promise = Room.Take(queue);
        var request = Request(promise.Limit) with { RecoveryAttemptsMax = recoveryAttemptsMax };
        using var held = environment.InHand.Hold(request.Token);
        var share = running.Load.Of(queue.Name, afterPartition);
        var claim = await StoreBackoff.RepeatAsync(
            failures => LastStatement.FinishAsync(
                token => store.Claims.ClaimLimitedAsync(request with { Repeated = failures > 0 }, share, token), cancellationToken),
            cancellationToken).ConfigureAwait(false);
        await BeginAsync(claim.Result, term, cancellationToken).ConfigureAwait(false);
        return claim;
    }

    /// <summary>Begins claimed workflows. On any failure, rows that this executor owns but does not run are handed back.</summary>
    /// <param name="claimed">The claimed workflows.</param>
    /// <param name="term">
    /// The lease's term from before the claim. If the lease has ended since, as in a paused process, others may have taken and run the
    /// claimed workflows. Rows that are still ours are then handed back.
    /// </param>
    /// <param name="cancellationToken">Stops reading histories; if it is cancelled already, none of the workflows begins.</param>
    public async Task BeginAsync(IReadOnlyList<ClaimedWorkflow> claimed, long term, CancellationToken cancellationToken)
    {
        if (claimed.Count == 0)
        {
            return;
        }

        var begun = 0;
        try
        {
            // The claim may have outlived the request to stop.
            cancellationToken.ThrowIfCancellationRequested();
            var asked = TimeProvider.System.GetTimestamp();
            var (histories, unread) = await ReadHistoriesAsync(claimed, cancellationToken).ConfigureAwait(false);
            var stands = TimeProvider.System.GetElapsedTime(asked) < LongReading && !claimed.Any(work => running.Contains(work.Id));
            var lost = stands ? [] : await ReadLostAsync(claimed, cancellationToken).ConfigureAwait(false);
            for (; begun < claimed.Count && environment.Lease.Holds(term); begun++)
            {
                var work = claimed[begun];
                if (!lost.Contains(work.Id) && !unread.Contains(work.Id))
                {
                    var history = histories.GetValueOrDefault(work.Id, StoredHistory.Empty);
                    running.Begin(work with { Generation = history.Generation }, history, environment, starter);
                }
            }

            if (begun < claimed.Count)
            {
                // At once, as these rows hold places in their queues for as long as this executor owns them.
                await HandBackAsync([.. claimed.Skip(begun)], attempted: false, cancellationToken).ConfigureAwait(false);
                begun = claimed.Count;
            }

            if (unread.Count > 0)
            {
                // Counts as an attempt, so that the retries end: the next executor would find the history just as large.
                await HandBackAsync([.. claimed.Where(work => unread.Contains(work.Id))], attempted: true, cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && begun < claimed.Count)
        {
            await HandBackAtStopAsync([.. claimed.Skip(begun)]).ConfigureAwait(false);
            begun = claimed.Count;
            throw;
        }
        finally
        {
            foreach (var work in claimed.Skip(begun))
            {
                NotBegun(OwnerOf(work));
            }
        }
    }

    // Others shall have the rows now, not after this engine's drain.
    private async Task HandBackAtStopAsync(IReadOnlyList<ClaimedWorkflow> claimed)
    {
        using var end = new CancellationTokenSource(HandBackLimit, TimeProvider.System);
        await HandBackAsync(claimed, attempted: false, end.Token).ConfigureAwait(false);
    }

    // Finds workflows that were cancelled or taken away while their histories were read; no run existed then that could be notified. A
    // workflow that already runs here is checked too, as the later claim may have begun first.
    private async Task<HashSet<string>> ReadLostAsync(IReadOnlyList<ClaimedWorkflow> claimed, CancellationToken cancellationToken)
    {
        Ownership[] executions = [.. claimed.Select(OwnerOf)];
        var lost = await StoreBackoff.RepeatAsync(
            _ => store.Workflows.ReadLostAsync(executions, cancellationToken), cancellationToken).ConfigureAwait(false);
        return [.. lost.Select(one => one.WorkflowId)];
    }

    private static Ownership OwnerOf(ClaimedWorkflow work) => new(work.Id, work.Token);

    private async Task HandBackAsync(IReadOnlyList<ClaimedWorkflow> works, bool attempted, CancellationToken cancellationToken)
    {
        Ownership[] executions = [.. works.Select(OwnerOf)];
        var ids = await StoreBackoff.RepeatAsync(
            _ => store.Executors.HandBackAsync(executions, attempted, cancellationToken), cancellationToken).ConfigureAwait(false);
        if (ids.Count > 0)
        {
            HandedBack(ids);
        }
    }

    // Reads no history at all if no workflow of the claim has ever run.
    private async Task<(IReadOnlyDictionary<string, StoredHistory> Read, IReadOnlySet<string> Unread)> ReadHistoriesAsync(
        IReadOnlyList<ClaimedWorkflow> claimed, CancellationToken cancellationToken)
    {
        string[] ids = [.. claimed.Where(work => !work.NeverRan).Select(work => work.Id)];
        var histories = await reader.ReadAsync(ids, cancellationToken).ConfigureAwait(false);
        foreach (var id in histories.Unread)
        {
            environment.Logger.HistoryUnread(id);
        }

        return histories;
    }

    private Task BeginAsync(ClaimResult result, long term, CancellationToken cancellationToken)
    {
        if (result.DeadLettered.Count > 0)
        {
            environment.Logger.DeadLettered(result.DeadLettered.Count, result.DeadLettered[0]);
            DeadLettered(result.DeadLettered);
        }

        return BeginAsync(result.Claimed, term, cancellationToken);
    }
}

/// <summary>How a claim from queues without limits ended.</summary>
/// <param name="Taken">How many rows it took.</param>
/// <param name="More">True if others hold rows that it looked at, so that more may wait behind them.</param>
internal readonly record struct ClaimEnd(int Taken, bool More);
