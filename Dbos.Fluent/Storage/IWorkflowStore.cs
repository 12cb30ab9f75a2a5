using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Reads workflows, and changes rows from outside their runs.</summary>
internal interface IWorkflowStore
{
    /// <summary>Reads one workflow's row; null if it does not exist.</summary>
    Task<WorkflowRow?> ReadAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>Reads one workflow's row and its checkpoints; null if it does not exist.</summary>
    Task<(WorkflowRow Row, IReadOnlyList<CheckpointRow> Checkpoints)?> ReadHistoryAsync(
        string workflowId, CancellationToken cancellationToken);

    /// <summary>Reads in one query the outcomes of those workflows that have ended, and which of them do not exist.</summary>
    Task<IReadOnlyList<WorkflowOutcomeRow>> ReadOutcomesAsync(IReadOnlyList<string> workflowIds, CancellationToken cancellationToken);

    /// <summary>
    /// Returns those executions that no longer own their row (cancelled, handed on, or gone), in one query for all running workflows.
    /// </summary>
    Task<IReadOnlyList<LostExecution>> ReadLostAsync(IReadOnlyList<Ownership> executions, CancellationToken cancellationToken);

    /// <summary>
    /// Cancels workflows that have not ended, in one transaction, and returns those it cancelled; ignores unknown and ended ids.
    /// </summary>
    /// <param name="workflowIds">The workflows.</param>
    /// <param name="children">True to cancel all their descendants too, including those of workflows that have ended.</param>
    /// <param name="error">The reason, encoded.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    Task<IReadOnlyList<string>> CancelAsync(
        IReadOnlyList<string> workflowIds, bool children, CancelError error, CancellationToken cancellationToken);

    /// <summary>
    /// Enqueues workflows that have neither succeeded nor failed, to continue from their last checkpoint, in one transaction: all, or none
    /// if one does not exist or does not fit into the queue.
    /// </summary>
    /// <remarks>
    /// Each becomes ENQUEUED on the given queue, or the internal one. Owner, deduplication id, deadline, start and completion are cleared,
    /// attempts are 0, and waits are removed. Its timeout stays: a full new deadline begins at its next claim.
    /// </remarks>
    Task<ResumeResult> ResumeAsync(IReadOnlyList<string> workflowIds, string? queue, CancellationToken cancellationToken);

    /// <summary>
    /// Cancels active workflows of this application (or of none) that are past their deadline, skipping locked rows; returns their ids.
    /// </summary>
    Task<IReadOnlyList<string>> CancelExpiredAsync(
        string applicationName, int limit, CancelError error, CancellationToken cancellationToken);
}

/// <summary>
/// The encoded reason of a cancellation, stored in <c>workflow_output.error</c>: <paramref name="Native"/> where the row's
/// <c>serialization</c> is <c>dotnet_msgpack</c>, <paramref name="Portable"/> where it is <c>portable_json</c>, and nothing for any
/// other format.
/// </summary>
internal sealed record CancelError(string Native, string Portable);

/// <summary>The result of a resume.</summary>
/// <param name="ResumedIds">The workflows that were enqueued; the rest had succeeded or failed.</param>
/// <param name="MissingId">A workflow that does not exist; nothing was resumed then.</param>
/// <param name="UnplacedId">
/// A workflow without a partition, which would wait for ever in a partitioned queue; nothing was resumed then.
/// </param>
internal sealed record ResumeResult(IReadOnlyList<string> ResumedIds, string? MissingId = null, string? UnplacedId = null);

/// <summary>How a workflow ended.</summary>
/// <param name="Id">The workflow.</param>
/// <param name="State">Null if it does not exist; otherwise a terminal state.</param>
/// <param name="Output">Its output; its text is null where it has none.</param>
/// <param name="Error">Its error; its text is null where it has none.</param>
/// <param name="DeadlinePassed">True if its deadline had passed when it completed: if it was cancelled, it timed out.</param>
internal sealed record WorkflowOutcomeRow(string Id, WorkflowState? State, Payload Output, Payload Error, bool DeadlinePassed);

/// <summary>An execution that lost its row.</summary>
/// <param name="WorkflowId">The workflow.</param>
/// <param name="State">The state its row is in now; null if the row is gone.</param>
/// <param name="DeadlinePassed">True if it is cancelled and its deadline has passed.</param>
internal sealed record LostExecution(string WorkflowId, WorkflowState? State, bool DeadlinePassed);
