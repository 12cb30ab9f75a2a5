using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>Runs what was claimed, and says how much more this process has room for.</summary>
internal sealed class ClaimedRuns(
    IStore store, RunEnvironment environment, RunningWorkflows running, IChildStarter starter, int? recoveryAttemptsMax)
{
    /// <summary>Runs that may be busy at once; waiting ones do not count.</summary>
    private const int Capacity = 1000;

    private const int ClaimMax = 250;

    // What runs is looked after as often as this.
    private static readonly TimeSpan LongReading = TimeSpan.FromSeconds(1);

    /// <summary>Called with a claimed execution that could not be begun.</summary>
    public required Action<Ownership> NotBegun { get; init; }

    /// <summary>Called with the ids of workflows that were claimed, handed back, and wait to be claimed again.</summary>
    public required Action<IReadOnlyList<string>> HandedBack { get; init; }

    /// <summary>Called with the ids of workflows that were given up because their recovery attempts are spent.</summary>
    public required Action<IReadOnlyList<string>> DeadLettered { get; init; }

    /// <summary>The rest after workflows were taken up that others had begun.</summary>
    public TakeUpPace Pace { get; } = new(running);

    /// <summary>How many workflows may be claimed now; none if the process is full, or has the code of none.</summary>
    public int Room => environment.Registry.Names.Count == 0 ? 0 : Math.Min(ClaimMax, Capacity - running.Busy);

    /// <summary>The term of this engine's lease, to be asked for before a claim: without a lease nothing is claimed.</summary>
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

    /// <summary>Claims from queues without limits and runs what was claimed; gives how many rows that took.</summary>
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
                return store.Claims.ClaimAsync(request with { Repeated = repeated }, cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        await BeginAsync(result, term, cancellationToken).ConfigureAwait(false);
        if (queues is [QueueNames.Internal])
        {
            Pace.Took(result.Claimed);
        }

        // A repeated claim may give what the lost answer held and no more: there may be more behind it.
        var taken = result.Claimed.Count + result.DeadLettered.Count;
        return new ClaimEnd(repeated && taken > 0 ? limit : taken, result.More);
    }

    /// <summary>Claims from one queue with limits and runs what was claimed.</summary>
    public async Task<LimitedClaim> ClaimLimitedAsync(string queue, string afterPartition, CancellationToken cancellationToken)
    {
        var term = await TermAsync(cancellationToken).ConfigureAwait(false);
        var request = Request(Math.Max(1, Room)) with { RecoveryAttemptsMax = recoveryAttemptsMax };
        using var held = environment.InHand.Hold(request.Token);
        var share = running.Load.Of(queue, afterPartition);
        var claim = await StoreBackoff.RepeatAsync(
            failures => store.Claims.ClaimLimitedAsync(request with { Repeated = failures > 0 }, share, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        await BeginAsync(claim.Result, term, cancellationToken).ConfigureAwait(false);
        return claim;
    }

    /// <summary>Begins claimed workflows. Whatever goes wrong, a row that is ours and that nobody runs does not stay so.</summary>
    /// <param name="claimed">What was claimed.</param>
    /// <param name="term">
    /// The lease's term from before the claim. Where the lease has ended since, as in a process that was paused, others may have taken
    /// what was claimed, and run it; whatever is ours all the same is handed back.
    /// </param>
    /// <param name="cancellationToken">Gives up the reading of histories.</param>
    public async Task BeginAsync(IReadOnlyList<ClaimedWorkflow> claimed, long term, CancellationToken cancellationToken)
    {
        if (claimed.Count == 0)
        {
            return;
        }

        var begun = 0;
        try
        {
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
                // At once, as they hold places of their queues for as long as they are ours.
                await HandBackAsync([.. claimed.Skip(begun)], attempted: false, cancellationToken).ConfigureAwait(false);
                begun = claimed.Count;
            }

            if (unread.Count > 0)
            {
                // As attempted, so that it ends some time: it would be no smaller for the next.
                await HandBackAsync([.. claimed.Where(work => unread.Contains(work.Id))], attempted: true, cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            foreach (var work in claimed.Skip(begun))
            {
                NotBegun(OwnerOf(work));
            }
        }
    }

    // What was cancelled or taken away while its history was being read: nothing ran that could have been told. Where it runs here already,
    // the later claim may have been the first to begin.
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

    // One query for the histories of the whole claim, and none where nothing of it has ever run. Where that is more than can be read in
    // time, the same query would be so the next time too: half as many then. One that cannot be read by itself keeps no other waiting for
    // ever; but an outage shows in the same way, so whether the database answers at all is asked before a history is blamed.
    private async Task<(IReadOnlyDictionary<string, StoredHistory> Read, IReadOnlySet<string> Unread)> ReadHistoriesAsync(
        IReadOnlyList<ClaimedWorkflow> claimed, CancellationToken cancellationToken)
    {
        string[] ids = [.. claimed.Where(work => !work.NeverRan).Select(work => work.Id)];
        var read = new Dictionary<string, StoredHistory>(StringComparer.Ordinal);
        var unread = new HashSet<string>(StringComparer.Ordinal);
        for (var (next, portion) = (0, ids.Length); next < ids.Length;)
        {
            string[] some = [.. ids.Skip(next).Take(portion)];
            var histories = await ReadInTimeAsync(some, cancellationToken).ConfigureAwait(false);
            if (histories is null && some.Length > 1)
            {
                portion = some.Length / 2;
                continue;
            }

            if (histories is null)
            {
                await ReadLostAsync([.. claimed.Where(work => work.Id == some[0])], cancellationToken).ConfigureAwait(false);
                histories = await ReadInTimeAsync(some, cancellationToken).ConfigureAwait(false);
            }

            if (histories is null)
            {
                environment.Logger.HistoryUnread(ids[next]);
                unread.Add(ids[next]);
            }

            foreach (var (id, history) in histories ?? new Dictionary<string, StoredHistory>())
            {
                read[id] = history;
            }

            next += portion;
        }

        return (read, unread);
    }

    /// <summary>Histories; null where they did not come in time, one by itself not in several tries.</summary>
    private async Task<IReadOnlyDictionary<string, StoredHistory>?> ReadInTimeAsync(string[] ids, CancellationToken cancellationToken)
    {
        try
        {
            return await StoreBackoff.RepeatInTimeAsync(
                "read a history",
                _ => store.Claims.ReadHistoriesAsync(ids, cancellationToken),
                cancellationToken,
                ids.Length == 1 ? StoreBackoff.TimeoutsMax : 1).ConfigureAwait(false);
        }
        catch (StoreUnavailableException late) when (late.TimedOut)
        {
            return null;
        }
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
/// <param name="More">True where others hold what it looked at, and more may wait behind that.</param>
internal readonly record struct ClaimEnd(int Taken, bool More);
