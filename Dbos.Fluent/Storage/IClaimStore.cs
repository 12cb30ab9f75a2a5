namespace Dbos.Fluent.Storage;

/// <summary>Takes waiting workflows: ENQUEUED rows become PENDING, owned by the claim's token.</summary>
internal interface IClaimStore
{
    /// <summary>Claims due workflows, by priority and age, skipping rows that a peer is claiming at this moment.</summary>
    /// <remarks>
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

    /// <summary>The checkpoints of claimed workflows, all in one query, by workflow and ordered by sequence.</summary>
    Task<IReadOnlyDictionary<string, IReadOnlyList<CheckpointRow>>> ReadHistoriesAsync(
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
internal sealed record ClaimResult(IReadOnlyList<ClaimedWorkflow> Claimed, IReadOnlyList<string> DeadLettered);
