using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Reads workflows, and changes rows from outside their runs.</summary>
internal interface IWorkflowStore
{
    /// <summary>One workflow's row, or null.</summary>
    Task<WorkflowRow?> ReadAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>One workflow's row and its checkpoints, or null.</summary>
    Task<(WorkflowRow Row, IReadOnlyList<CheckpointRow> Checkpoints)?> ReadHistoryAsync(
        string workflowId, CancellationToken cancellationToken);

    /// <summary>The outcomes of those of these workflows that have ended, and which of them do not exist; in one query.</summary>
    Task<IReadOnlyList<WorkflowOutcomeRow>> ReadOutcomesAsync(IReadOnlyList<string> workflowIds, CancellationToken cancellationToken);

    /// <summary>
    /// Of these executions, those that no longer own their row: cancelled, handed on, or gone. One query for all running workflows.
    /// </summary>
    Task<IReadOnlyList<LostExecution>> ReadLostAsync(IReadOnlyList<Ownership> executions, CancellationToken cancellationToken);

    /// <summary>
    /// Cancels workflows that have not ended, and gives back those it cancelled. Unknown and ended ids are left alone. One transaction.
    /// </summary>
    /// <param name="workflowIds">The workflows.</param>
    /// <param name="children">True to cancel their children too, and theirs, also those of workflows that have ended.</param>
    /// <param name="error">The reason, encoded.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    Task<IReadOnlyList<string>> CancelAsync(
        IReadOnlyList<string> workflowIds, bool children, CancelError error, CancellationToken cancellationToken);

    /// <summary>
    /// Enqueues workflows that have not succeeded or failed again, to go on from their last checkpoint; all or, where one does not exist
    /// or does not fit into the queue, none. One transaction.
    /// </summary>
    /// <remarks>
    /// Of each: state ENQUEUED on the given queue, or the internal one; owner, deduplication id, deadline, start and completion cleared,
    /// attempts 0, waits removed. Its timeout stays: a whole new deadline begins at its next claim.
    /// </remarks>
    Task<ResumeResult> ResumeAsync(IReadOnlyList<string> workflowIds, string? queue, CancellationToken cancellationToken);

    /// <summary>
    /// Cancels active workflows of this application (or of none) whose deadline has passed, skipping locked rows; gives back their ids.
    /// </summary>
    Task<IReadOnlyList<string>> CancelExpiredAsync(
        string applicationName, int limit, CancelError error, CancellationToken cancellationToken);
}

/// <summary>
/// The encoded reason of a cancellation, kept in <c>workflow_output.error</c>: <paramref name="Native"/> where the row's
/// <c>serialization</c> is <c>dotnet_msgpack</c>, <paramref name="Portable"/> where it is <c>portable_json</c>, nothing where it is
/// another's.
/// </summary>
internal sealed record CancelError(string Native, string Portable);

/// <summary>What a resume did.</summary>
/// <param name="ResumedIds">Those that were enqueued; the rest had succeeded or failed.</param>
/// <param name="MissingId">One that does not exist; nothing was resumed then.</param>
/// <param name="UnplacedId">
/// One without a partition, which would wait for ever in a queue that serves partitions; nothing was resumed then.
/// </param>
internal sealed record ResumeResult(IReadOnlyList<string> ResumedIds, string? MissingId = null, string? UnplacedId = null);

/// <summary>How a workflow ended.</summary>
/// <param name="Id">The workflow.</param>
/// <param name="State">Null if it does not exist; otherwise a terminal state.</param>
/// <param name="Output">Its output; its text is null where it has none.</param>
/// <param name="Error">Its error; its text is null where it has none.</param>
/// <param name="DeadlinePassed">True if its deadline had passed when it was completed: a cancelled one then timed out.</param>
internal sealed record WorkflowOutcomeRow(string Id, WorkflowState? State, Payload Output, Payload Error, bool DeadlinePassed);

/// <summary>An execution that lost its row.</summary>
/// <param name="WorkflowId">The workflow.</param>
/// <param name="State">The state its row is in now; null if the row is gone.</param>
/// <param name="DeadlinePassed">True if it is cancelled and its deadline lies in the past.</param>
internal sealed record LostExecution(string WorkflowId, WorkflowState? State, bool DeadlinePassed);
