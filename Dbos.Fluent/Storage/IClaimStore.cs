namespace Dbos.Fluent.Storage;

/// <summary>Takes waiting workflows: ENQUEUED rows become PENDING, owned by the claim's token.</summary>
internal interface IClaimStore
{
    /// <summary>
    /// Claims due workflows of queues without limits, by priority, age and id, skipping rows that a peer is claiming at this moment.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Of the request's queues those are left out that are paused, or have got a limit meanwhile; one without a row counts as without
    /// limits.
    /// </para>
    /// <para>
    /// Each claimed row gets this executor, this application version, the application's name if it has none, one recovery attempt more, a
    /// start time, and a deadline if it has a timeout and no deadline yet. A row whose attempts are spent becomes
    /// MAX_RECOVERY_ATTEMPTS_EXCEEDED instead (queue, owner, start and deduplication id cleared, completion set).
    /// </para>
    /// <para>
    /// The origin of a row that is claimed for the first time is stored in <c>fluent_origins</c> (for a fork: that of the workflow it was
    /// forked from, as far back as there is one), and comes back with each claim.
    /// </para>
    /// <para>
    /// A repeated call with the same token first gives back what an earlier one, whose answer was lost, has claimed.
    /// </para>
    /// <para>
    /// A row with waits was parked, and another SDK's sweep of delayed rows made it ENQUEUED: it counts as woken, so its waits are removed
    /// and no attempt is added.
    /// </para>
    /// </remarks>
    Task<ClaimResult> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken);

    /// <summary>Claims due workflows of one queue, no more than its limits, as they stand in its row now, allow.</summary>
    /// <remarks>
    /// <para>
    /// All that is said of <see cref="ClaimAsync"/> holds; the request's list of queues is not looked at. In one round trip, and under the
    /// lock of the queue's row where a limit is shared, so that two claims at once never exceed it: running ones are PENDING rows of the
    /// application or of none; a rate window counts rows with <c>rate_limited</c> that started within it, also parked ones. Each claimed
    /// row of a queue with a rate limit is marked <c>rate_limited</c>.
    /// </para>
    /// <para>
    /// In a partitioned queue the partitions take turns: the first of each before the second of any. Rows without a partition are not
    /// claimed there. Nothing is taken from a paused queue, nor from one without a row.
    /// </para>
    /// </remarks>
    Task<LimitedClaim> ClaimLimitedAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken);

    /// <summary>
    /// Claims parked workflows: DELAYED rows with waits become PENDING, owned by the request's token, their waits removed.
    /// </summary>
    /// <remarks>
    /// By the request's names, version and application like any claim, locked rows skipped; but no queue, no limit and no pause counts, no
    /// attempt is added, and priority, start time and deadline stay. Executor, version and the name of an unclaimed application are set.
    /// A repeated call with the same token first gives back what an earlier one, whose answer was lost, has claimed.
    /// </remarks>
    Task<ParkedClaim> ClaimParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken);

    /// <summary>Whether workflows of this application (or of none) are parked, and when the first of them is due.</summary>
    /// <param name="applicationName">The application.</param>
    /// <param name="afterMs">Waits that end up to this moment do not count; null counts all.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    Task<ParkedOutlook> ReadParkedOutlookAsync(string applicationName, long? afterMs, CancellationToken cancellationToken);

    /// <summary>The checkpoints and generations of claimed workflows, all in one query, by workflow and ordered by sequence.</summary>
    Task<IReadOnlyDictionary<string, StoredHistory>> ReadHistoriesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken cancellationToken);
}

/// <summary>What a claim asks for.</summary>
internal sealed record ClaimRequest
{
    public required string Token { get; init; }

    public required string ExecutorId { get; init; }

    public required string ApplicationName { get; init; }

    public required string ApplicationVersion { get; init; }

    /// <summary>Only workflows of these names, which this engine has the code of.</summary>
    public required IReadOnlyList<string> WorkflowNames { get; init; }

    /// <summary>Only from these queues.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [];

    /// <summary>No more than this many, dead-lettered ones included.</summary>
    public required int Limit { get; init; }

    /// <summary>Recovery attempts allowed; null without limit.</summary>
    public int? RecoveryAttemptsMax { get; init; }

    /// <summary>True to ask first for what an earlier call with this token claimed, because its answer was lost.</summary>
    public bool Repeated { get; init; }
}

/// <summary>What a claim took.</summary>
/// <param name="Claimed">Workflows to run, now owned by the request's token.</param>
/// <param name="DeadLettered">Ids of workflows whose recovery attempts were spent.</param>
internal sealed record ClaimResult(IReadOnlyList<ClaimedWorkflow> Claimed, IReadOnlyList<string> DeadLettered)
{
    /// <summary>
    /// True where fewer were taken than asked for because others hold the first of the line: more may wait behind those.
    /// </summary>
    public bool More { get; init; }
}
