namespace Dbos.Fluent.Storage;

/// <summary>Takes waiting workflows: ENQUEUED rows become PENDING, owned by the claim's token.</summary>
internal interface IClaimStore
{
    /// <summary>
    /// Claims due workflows of queues without limits by priority, age and id, skipping rows that another process is claiming right now.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Queues of the request that are paused, or that have a limit by now, are skipped. A queue without a row counts as a queue without
    /// limits.
    /// </para>
    /// <para>
    /// Each claimed row gets this executor, this application version, the application's name if it has none, one more recovery attempt, a
    /// start time, and a deadline if it has a timeout and no deadline yet. A row whose attempts are used up becomes
    /// MAX_RECOVERY_ATTEMPTS_EXCEEDED instead (queue, owner, start and deduplication id cleared, completion set).
    /// </para>
    /// <para>
    /// The first claim of a row stores its origin in <c>fluent_origins</c>, and each claim returns it. A fork has the origin of the
    /// workflow it was forked from, as far back as there is one.
    /// </para>
    /// <para>
    /// A repeated call with the same token first returns what an earlier call claimed, if that call's answer was lost.
    /// </para>
    /// <para>
    /// A row with waits was parked, and another SDK's sweep of delayed rows made it ENQUEUED. It counts as woken: its waits are removed
    /// and no attempt is added.
    /// </para>
    /// </remarks>
    Task<ClaimResult> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken);

    /// <summary>Claims due workflows of one queue, at most as many as the limits in its row currently allow.</summary>
    /// <remarks>
    /// <para>
    /// Everything said of <see cref="ClaimAsync"/> applies, but the request's list of queues is ignored. The call takes one round trip.
    /// Where a limit is shared it holds the lock of the queue's row, so that concurrent claims never exceed the limit. PENDING rows of the
    /// application or of none count as running. A rate window counts rows with <c>rate_limited</c> that started within it, including
    /// parked ones. Each claimed row of a queue with a rate limit is marked <c>rate_limited</c>.
    /// </para>
    /// <para>
    /// A window also counts the rows of <c>fluent_starts</c>: a claim from a queue with a rate limit moves there what it overwrites or, if
    /// the attempts are used up, clears, a start that counts and that the longest of the queue's windows may hold. They count until that
    /// has passed, whatever becomes of the workflow, and are then deleted by the claims that move others. Nothing is moved of a row with
    /// waits, which only goes on: its one start counts where it is claimed, and not while it waits in line.
    /// </para>
    /// <para>
    /// In a partitioned queue the partitions take turns: the first row of each comes before the second of any. Rows without a partition
    /// are not claimed there. Nothing is claimed from a paused queue, or from one without a row.
    /// </para>
    /// </remarks>
    Task<LimitedClaim> ClaimLimitedAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken);

    /// <summary>
    /// Claims parked workflows: DELAYED rows with waits become PENDING, owned by the request's token, their waits removed.
    /// </summary>
    /// <remarks>
    /// Names, version and application filter as in any claim, and locked rows are skipped. Queues, limits and pauses do not apply. No
    /// attempt is added, and priority, start time and deadline stay. Executor, version and, if missing, the application's name are set.
    /// A repeated call with the same token first returns what an earlier call claimed, if that call's answer was lost.
    /// </remarks>
    Task<ParkedClaim> ClaimParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken);

    /// <summary>Whether workflows of this application (or of none) are parked, and when the first of them is due.</summary>
    /// <param name="applicationName">The application.</param>
    /// <param name="afterMs">Waits that end at or before this moment are ignored; null counts all.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    Task<ParkedOutlook> ReadParkedOutlookAsync(string applicationName, long? afterMs, CancellationToken cancellationToken);

    /// <summary>Reads the checkpoints and generations of claimed workflows in one query: by workflow, ordered by sequence.</summary>
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

    /// <summary>Only workflows of these names, whose code this engine has.</summary>
    public required IReadOnlyList<string> WorkflowNames { get; init; }

    /// <summary>Only from these queues.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [];

    /// <summary>At most this many, including dead-lettered ones.</summary>
    public required int Limit { get; init; }

    /// <summary>Recovery attempts allowed; null means no limit.</summary>
    public int? RecoveryAttemptsMax { get; init; }

    /// <summary>True to return first what an earlier call with this token claimed, because its answer was lost.</summary>
    public bool Repeated { get; init; }
}

/// <summary>The result of a claim.</summary>
/// <param name="Claimed">Workflows to run, now owned by the request's token.</param>
/// <param name="DeadLettered">Ids of workflows whose recovery attempts were spent.</param>
internal sealed record ClaimResult(IReadOnlyList<ClaimedWorkflow> Claimed, IReadOnlyList<string> DeadLettered)
{
    /// <summary>
    /// True if fewer were taken than requested because other processes hold the first rows of the line: more may wait behind those rows.
    /// </summary>
    public bool More { get; init; }
}
