using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <inheritdoc cref="CancelAsync(IEnumerable{string}, bool, CancellationToken)"/>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="children">True to cancel its descendants too; false by default.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    public Task CancelAsync(string workflowId, bool children = false, CancellationToken cancellationToken = default) =>
        CancelAsync([workflowId], children, cancellationToken);

    /// <summary>
    /// Cancels workflows that have not ended, wherever they run, and those that were given up. Workflows that have succeeded or failed, and
    /// unknown ids, are ignored.
    /// </summary>
    /// <remarks>
    /// A running step's token fires, at once in this process and within a second in another. A cancelled workflow is never compensated.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all are cancelled in one transaction.</param>
    /// <param name="children">
    /// True to cancel their children too, and theirs, also below a workflow that has ended; false, the default, leaves children alone.
    /// </param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the cancellation is stored.</returns>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters.</exception>
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
    /// <param name="cancellationToken">Gives up the call.</param>
    public Task ResumeAsync(string workflowId, string? queue = null, CancellationToken cancellationToken = default) =>
        ResumeAsync([workflowId], queue, cancellationToken);

    /// <summary>Continues workflows from their last checkpoint: cancelled and given-up ones, and those that wait in a queue.</summary>
    /// <remarks>
    /// Recovery attempts start at zero again. A deadline is cleared; a timeout stays, and begins again when the workflow is taken up. A
    /// workflow that still runs is interrupted and continues from its last checkpoint, here or elsewhere; the interrupted run writes
    /// nothing more. Workflows that have succeeded or failed are ignored: fork or rewind those.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all are resumed in one transaction, or none.</param>
    /// <param name="queue">The queue they go through; null, the default, for the internal one, which has no limits.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the workflows are enqueued.</returns>
    /// <exception cref="ArgumentException">
    /// An id or the queue's name is blank, too long or holds control characters; or the queue has limits for each partition, and one of
    /// them was started without a partition.
    /// </exception>
    /// <exception cref="NonExistentWorkflowException">One of them does not exist; nothing was resumed.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task ResumeAsync(IEnumerable<string> workflowIds, string? queue = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workflowIds);
        string[] ids = [.. workflowIds.Select(id => Names.CheckId(id, nameof(workflowIds))).Distinct(StringComparer.Ordinal)];
        return management.ResumeAsync(ids, queue is null ? null : Names.CheckName(queue, nameof(queue)), cancellationToken);
    }

    /// <summary>
    /// Makes a new workflow of another's input and of its history before a step, and enqueues it. The other stays as it is.
    /// </summary>
    /// <remarks>
    /// Copied are the checkpoints before the step, and the events and stream values that those steps wrote. Time, ids and random numbers of
    /// the copied part come out as they did; from <paramref name="fromSequence"/> 0 nothing is copied but the input, and they are new.
    /// Parent, attributes and timeout are not taken over. Messages are not copied. It works on a running workflow too. The fork's id is its
    /// own, so its steps' idempotency keys and its children's ids are new: what a step had done under the old key it does again under the
    /// new one. Where that matters, rewind the workflow instead (<see cref="RewindAsync"/>).
    /// </remarks>
    /// <param name="workflowId">The workflow's id, in whatever state.</param>
    /// <param name="fromSequence">The first step that runs again, counted from 0; at most one beyond the last recorded.</param>
    /// <param name="options">How the fork differs; null, the default, for a new id, the same version and the internal queue.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The fork's id, once it is enqueued.</returns>
    /// <exception cref="ArgumentException">The id is invalid, or the partition does not go with the queue.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative, or lies beyond the history.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowIdInUseException">The fork's id is another workflow's.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database has not answered in time (30 s), three times in a row.</exception>
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
    /// The step runs under a new idempotency key. One that failed after its effect, such as a charge whose answer came too late, has that
    /// effect twice: rewind the workflow instead (<see cref="RewindAsync"/>), which keeps the keys.
    /// </para>
    /// <para>
    /// A failure that the workflow tolerated (<c>Try</c>, <c>AllOutcomes</c>) counts like any other; what undoing has recorded does not.
    /// Where no step failed it is forked from the last step before any undoing, which has succeeded and runs again, and where there is
    /// none, from the start. Where a called child failed, or one that was started by the step right before it was awaited, the fork
    /// starts a child of its own, as the failed one would fail it again; other SDKs await that one. A child that was started earlier, or
    /// in a branch beside others, or that has an id of the user's own, is the same one again: fork from its start instead.
    /// </para>
    /// </remarks>
    /// <param name="workflowId">The workflow's id, in whatever state.</param>
    /// <param name="options">How the fork differs; null, the default, for a new id, the same version and the internal queue.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The fork's id, once it is enqueued.</returns>
    /// <exception cref="ArgumentException">The id is invalid, or the partition does not go with the queue.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowIdInUseException">The fork's id is another workflow's.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database has not answered in time (30 s), three times in a row.</exception>
    public Task<string> ForkFromFailureAsync(
        string workflowId, ForkOptions? options = null, CancellationToken cancellationToken = default) =>
        management.ForkAsync(Names.CheckId(workflowId, nameof(workflowId)), new ForkCut(null, null), options, cancellationToken);

    /// <summary>Forks a workflow from the first recorded step of a name: this step runs again, under a new idempotency key.</summary>
    /// <param name="workflowId">The workflow's id, in whatever state.</param>
    /// <param name="stepName">The step's recorded name; that of a child is the name of its definition.</param>
    /// <param name="options">How the fork differs; null, the default, for a new id, the same version and the internal queue.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The fork's id, once it is enqueued.</returns>
    /// <exception cref="ArgumentException">
    /// An id or the name is invalid, the partition does not go with the queue, or no recorded step has the name.
    /// </exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowIdInUseException">The fork's id is another workflow's.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database has not answered in time (30 s), three times in a row.</exception>
    public Task<string> ForkFromStepAsync(
        string workflowId, string stepName, ForkOptions? options = null, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        Names.CheckName(stepName, nameof(stepName));
        return management.ForkAsync(workflowId, new ForkCut(null, stepName), options, cancellationToken);
    }

    /// <summary>Takes an ended workflow back to before a step, under its own id, and enqueues it: from there on it runs again.</summary>
    /// <remarks>
    /// Its outcome, the checkpoints from the step on and the messages that those have read are removed, and so are unread messages; events
    /// are as they were; stream values stay, and closed streams are open again. Idempotency keys and ids of children are the same as the
    /// first time, so what was done under them is not done again, and children are attached to: one that failed is rewound before its
    /// parent. A timeout begins again. It goes through the internal queue, which has no limits, whatever queue it was started on, and has
    /// no partition any more. To keep the outcome, fork it instead.
    /// </remarks>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="fromSequence">The first step that runs again, counted from 0; at most one beyond the last recorded.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the workflow is enqueued.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative, or lies beyond the history.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="WorkflowNotEndedException">The workflow has not ended; nothing was changed.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database has not answered in time (30 s), three times in a row.</exception>
    public Task RewindAsync(string workflowId, int fromSequence, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        ArgumentOutOfRangeException.ThrowIfNegative(fromSequence);
        return management.RewindAsync(workflowId, fromSequence, cancellationToken);
    }

    /// <inheritdoc cref="DeleteAsync(IEnumerable{string}, bool, CancellationToken)"/>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="children">True to delete its descendants too; false by default.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    public Task DeleteAsync(string workflowId, bool children = false, CancellationToken cancellationToken = default) =>
        DeleteAsync([workflowId], children, cancellationToken);

    /// <summary>Deletes workflows with their history, messages, events and streams, whether or not they have ended.</summary>
    /// <remarks>
    /// One that runs is stopped: its steps' tokens fire, at once in this process and within a second in another, and what it does from then
    /// on is written nowhere. Callers that await it get a <see cref="NonExistentWorkflowException"/>. Its id and its deduplication id are
    /// free. Forks of it stay whole. Unknown ids are left alone.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all are deleted in one transaction, or none.</param>
    /// <param name="children">
    /// True to delete their children too, and theirs; false, the default, leaves children alone, to run on if they do.
    /// </param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when they are gone.</returns>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database has not answered in time (30 s), three times in a row.</exception>
    public Task DeleteAsync(
        IEnumerable<string> workflowIds, bool children = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workflowIds);
        string[] ids = [.. workflowIds.Select(id => Names.CheckId(id, nameof(workflowIds))).Distinct(StringComparer.Ordinal)];
        return management.DeleteAsync(ids, children, cancellationToken);
    }

    /// <summary>Replaces the attributes of a workflow, in whatever state it is.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="attributes">All that it has from now on: texts, numbers, booleans and nulls. Null removes them.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when they are stored.</returns>
    /// <exception cref="ArgumentException">The id or an attribute's key is invalid, or a value is not simple.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database has not answered in time (30 s), three times in a row.</exception>
    public Task SetAttributesAsync(
        string workflowId, IReadOnlyDictionary<string, object?>? attributes, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return management.SetAttributesAsync(workflowId, AttributesJson.Of(attributes), cancellationToken);
    }

    /// <summary>
    /// Deletes ended workflows by age or number, a batch at a time: small batches with rests between them while others work with the
    /// database, and at full speed while nobody does.
    /// </summary>
    /// <remarks>
    /// Of this application's workflows and those of none; a client without an application name collects those of any. What was deleted when
    /// the call is given up stays deleted, and the next call continues. Rows that somebody else works on are left to the next call. An
    /// engine does it by itself with <see cref="EngineOptions.Retention"/>.
    /// </remarks>
    /// <param name="policy">Which ones.</param>
    /// <param name="cancellationToken">Gives up the call, between two batches.</param>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="ArgumentException">The policy sets neither <c>OlderThan</c> nor <c>KeepNewest</c>.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<GarbageCollected> CollectGarbageAsync(RetentionPolicy policy, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return management.CollectGarbageAsync(policy.Checked(nameof(policy)), cancellationToken);
    }
}
