using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <inheritdoc cref="CancelAsync(IEnumerable{string}, bool, CancellationToken)"/>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="children">True to cancel its descendants too; false by default.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public Task CancelAsync(string workflowId, bool children = false, CancellationToken cancellationToken = default) =>
        CancelAsync([workflowId], children, cancellationToken);

    /// <summary>
    /// Cancels workflows that have not ended, wherever they run, and those that were given up. It ignores workflows that have succeeded or
    /// failed, and unknown ids.
    /// </summary>
    /// <remarks>
    /// The tokens of running steps are cancelled at once in this process, within a second in another. A cancelled workflow is never
    /// compensated.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all are cancelled in one transaction.</param>
    /// <param name="children">
    /// True to cancel all their descendants too, also below a workflow that has ended; false, the default, to leave children alone.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the cancellation is stored.</returns>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters.</exception>
    /// <exception cref="StoreUnavailableException">
    /// The database did not answer within 30 s, three times in a row. The cancel may have taken effect; it can be repeated. Only for
    /// several workflows, or with their descendants: the cancel of one workflow is repeated until it succeeds.
    /// </exception>
    public Task CancelAsync(
        IEnumerable<string> workflowIds, bool children = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workflowIds);
        string[] ids = [.. workflowIds.Select(id => Names.CheckId(id, nameof(workflowIds))).Distinct(StringComparer.Ordinal)];
        return management.CancelAsync(ids, children, cancellationToken);
    }

    /// <inheritdoc cref="ResumeAsync(IEnumerable{string}, string?, CancellationToken)"/>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="queue">The queue it goes through; null, the default, for the internal one, which has no limits.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public Task ResumeAsync(string workflowId, string? queue = null, CancellationToken cancellationToken = default) =>
        ResumeAsync([workflowId], queue, cancellationToken);

    /// <summary>Resumes cancelled, given-up and enqueued workflows from their last checkpoint.</summary>
    /// <remarks>
    /// The count of recovery attempts is reset to zero. A deadline is cleared; a timeout stays and restarts when an engine claims the
    /// workflow. A workflow that still runs is interrupted and continues from its last checkpoint, here or elsewhere; the interrupted run
    /// writes nothing more. Workflows that have succeeded or failed are ignored: fork or rewind those.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all or none are resumed, in one transaction.</param>
    /// <param name="queue">The queue they go through; null, the default, for the internal one, which has no limits.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the workflows are enqueued.</returns>
    /// <exception cref="ArgumentException">
    /// An id or the queue's name is blank, too long or holds control characters; or the queue is partitioned, and one of the workflows was
    /// started without a partition.
    /// </exception>
    /// <exception cref="NonExistentWorkflowException">A workflow does not exist; nothing was resumed.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">
    /// The database did not answer within 30 s, three times in a row. The workflows may have been resumed; the call can be repeated. Only
    /// for several workflows: the resume of one is repeated until it succeeds.
    /// </exception>
    public Task ResumeAsync(IEnumerable<string> workflowIds, string? queue = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workflowIds);
        string[] ids = [.. workflowIds.Select(id => Names.CheckId(id, nameof(workflowIds))).Distinct(StringComparer.Ordinal)];
        return management.ResumeAsync(ids, queue is null ? null : Names.CheckName(queue, nameof(queue)), cancellationToken);
    }

    /// <summary>
    /// Creates and enqueues a new workflow with the input of another and its history before a step. The source is unchanged.
    /// </summary>
    /// <remarks>
    /// The fork gets the checkpoints before the step, and the events and stream values that those steps wrote. Time, ids and random numbers
    /// of the copied part keep their values; from <paramref name="fromSequence"/> 0 only the input is copied, so they are new. Parent,
    /// attributes, timeout and messages are not copied. Running workflows can be forked too. The fork has its own id, so its steps'
    /// idempotency keys and its children's ids are new: effects under the old keys happen again under the new ones. Where that matters,
    /// rewind the workflow instead (<see cref="RewindAsync"/>).
    /// </remarks>
    /// <param name="workflowId">The id of the workflow, which may be in any state.</param>
    /// <param name="fromSequence">The first step that runs again, counted from 0; at most one beyond the last recorded.</param>
    /// <param name="options">How the fork differs; null, the default, for a new id, the same version and the internal queue.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The fork's id, once it is enqueued.</returns>
    /// <exception cref="ArgumentException">The id is invalid, or the partition does not match the queue.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative or beyond the history.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowIdInUseException">The fork's id belongs to another workflow.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task<string> ForkAsync(
        string workflowId, int fromSequence, ForkOptions? options = null, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        ArgumentOutOfRangeException.ThrowIfNegative(fromSequence);
        return management.ForkAsync(workflowId, new ForkCut(fromSequence, null), options, cancellationToken);
    }

    /// <summary>Forks a workflow from the step that failed last, so that this step runs again.</summary>
    /// <remarks>
    /// <para>
    /// The step runs under a new idempotency key. If it failed after its effect, such as a charge whose response timed out, the effect
    /// happens twice. Rewind such a workflow instead (<see cref="RewindAsync"/>), which keeps the keys.
    /// </para>
    /// <para>
    /// A failure that the workflow tolerated (<c>Try</c>, <c>AllOutcomes</c>) counts like any other; records of undoing do not count.
    /// If no step failed, the fork begins with the last step before any undoing, which succeeded and runs again. Without such a step it
    /// begins at the start. If a called child failed, or a child that was started by the step right before its await, the fork starts a
    /// child of its own, as the failed one would fail it again; other SDKs await the failed child. The fork reuses a child that was
    /// started earlier, in a parallel branch or under an id of the user: fork from the start of that child instead.
    /// </para>
    /// </remarks>
    /// <param name="workflowId">The id of the workflow, which may be in any state.</param>
    /// <param name="options">How the fork differs; null, the default, for a new id, the same version and the internal queue.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The fork's id, once it is enqueued.</returns>
    /// <exception cref="ArgumentException">The id is invalid, or the partition does not match the queue.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowIdInUseException">The fork's id belongs to another workflow.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task<string> ForkFromFailureAsync(
        string workflowId, ForkOptions? options = null, CancellationToken cancellationToken = default) =>
        management.ForkAsync(Names.CheckId(workflowId, nameof(workflowId)), new ForkCut(null, null), options, cancellationToken);

    /// <summary>Forks a workflow from the first recorded step with a name. That step runs again, under a new idempotency key.</summary>
    /// <param name="workflowId">The id of the workflow, which may be in any state.</param>
    /// <param name="stepName">The step's recorded name; for a child, the name of its definition.</param>
    /// <param name="options">How the fork differs; null, the default, for a new id, the same version and the internal queue.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The fork's id, once it is enqueued.</returns>
    /// <exception cref="ArgumentException">
    /// An id or the name is invalid, the partition does not match the queue, or no recorded step has the name.
    /// </exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowIdInUseException">The fork's id belongs to another workflow.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task<string> ForkFromStepAsync(
        string workflowId, string stepName, ForkOptions? options = null, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        Names.CheckName(stepName, nameof(stepName));
        return management.ForkAsync(workflowId, new ForkCut(null, stepName), options, cancellationToken);
    }

    /// <summary>Rewinds an ended workflow to before a step, under its own id, and enqueues it to run again from there.</summary>
    /// <remarks>
    /// It removes the outcome, the checkpoints from the step on, the messages that those steps read and all unread messages. Events return
    /// to their earlier values; stream values stay, and closed streams are open again. Idempotency keys and ids of children keep their
    /// values, so effects under those keys do not happen again. Existing children are reused: rewind a failed child before its parent. A
    /// timeout restarts. The workflow goes through the internal queue, which has no limits, whatever its original queue, and no longer has
    /// a partition. To keep the outcome, fork the workflow instead.
    /// </remarks>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="fromSequence">The first step that runs again, counted from 0; at most one beyond the last recorded.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the workflow is enqueued.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative or beyond the history.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowNotEndedException">The workflow has not ended; nothing was changed.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task RewindAsync(string workflowId, int fromSequence, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        ArgumentOutOfRangeException.ThrowIfNegative(fromSequence);
        return management.RewindAsync(workflowId, fromSequence, cancellationToken);
    }

    /// <inheritdoc cref="DeleteAsync(IEnumerable{string}, bool, CancellationToken)"/>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="children">True to delete its descendants too; false by default.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public Task DeleteAsync(string workflowId, bool children = false, CancellationToken cancellationToken = default) =>
        DeleteAsync([workflowId], children, cancellationToken);

    /// <summary>Deletes workflows with their history, messages, events and streams, whether or not they have ended.</summary>
    /// <remarks>
    /// A running workflow is stopped: its steps' tokens are cancelled at once in this process, within a second in another. It writes
    /// nothing more. Callers that await it get a <see cref="NonExistentWorkflowException"/>. Its id and its deduplication id are
    /// free. Forks of it stay complete. Unknown ids are ignored.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all or none are deleted, in one transaction.</param>
    /// <param name="children">
    /// True to delete all their descendants too; false, the default, to leave children alone: running ones continue.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when they are deleted.</returns>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task DeleteAsync(
        IEnumerable<string> workflowIds, bool children = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workflowIds);
        string[] ids = [.. workflowIds.Select(id => Names.CheckId(id, nameof(workflowIds))).Distinct(StringComparer.Ordinal)];
        return management.DeleteAsync(ids, children, cancellationToken);
    }

    /// <summary>Replaces the attributes of a workflow in any state.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="attributes">The complete new attributes: strings, numbers, booleans and nulls. Null removes all.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when they are stored.</returns>
    /// <exception cref="ArgumentException">The id or an attribute's key is invalid, or a value is not of these types.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task SetAttributesAsync(
        string workflowId, IReadOnlyDictionary<string, object?>? attributes, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return management.SetAttributesAsync(workflowId, AttributesJson.Of(attributes), cancellationToken);
    }

    /// <summary>
    /// Deletes ended workflows by age or number in batches: small ones with pauses while others use the database, else at full speed.
    /// </summary>
    /// <remarks>
    /// It deletes workflows of this application and of none; a client without an application name deletes those of any. After a cancelled
    /// call, deleted workflows stay deleted and the next call continues. Rows that another process is working on are left to the next call.
    /// An engine does this by itself with <see cref="EngineOptions.Retention"/>. SQLite does not say whether others use it, so batches are
    /// small there at first, and grow each minute that the call takes. On PostgreSQL a workflow that cannot be deleted within 30 s, even
    /// alone, is left alone for an hour and named by a warning in the log (1803).
    /// </remarks>
    /// <param name="policy">Which workflows to delete.</param>
    /// <param name="cancellationToken">Cancels the call between two batches.</param>
    /// <returns>The number of deleted workflows.</returns>
    /// <exception cref="ArgumentException">The policy sets neither <c>OlderThan</c> nor <c>KeepNewest</c>.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">
    /// The database did not say within 30 s what to delete, three times in a row, or could not delete any of several workflows in that
    /// time, each alone.
    /// </exception>
    public Task<GarbageCollected> CollectGarbageAsync(RetentionPolicy policy, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return management.CollectGarbageAsync(policy.Checked(nameof(policy)), cancellationToken);
    }
}
