using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Retention;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Lists, counts, cancels, resumes, forks, rewinds, deletes and marks workflows from outside. Arguments are already checked.
/// </summary>
internal sealed class ClientManagement(ClientCore core)
{
    private readonly WorkflowLists lists = new(core.Store.Lists, core.Reader);
    private readonly GarbageCollector collector = new(core.Store.Management, core.Logger);

    public IAsyncEnumerable<WorkflowStatus> ListAsync(FilteredRows rows, CancellationToken cancellationToken) =>
        lists.ReadAsync(
            rows,
            (read, token) => core.Calls.RepeatInTimeAsync("list workflows", (_, either) => read(either), token),
            cancellationToken);

    public async Task<IReadOnlyList<WorkflowCount>> CountAsync(FilteredRows rows, CountBy by, CancellationToken cancellationToken)
    {
        var counts = await core.Calls.RepeatInTimeAsync(
            "count workflows", (_, token) => core.Store.Lists.CountAsync(rows, by, token), cancellationToken).ConfigureAwait(false);
        return [.. counts.Select(row => new WorkflowCount(row.Key, row.Count, EpochMs.ToMoment(row.OldestMs)))];
    }

    public async Task CancelAsync(IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken)
    {
        var error = CancelErrors.Encode(core.Serializer, CancellationReason.Cancelled);
        var begun = core.Running?.Begun ?? 0;
        var repeated = false;
        var cancelled = await (children || workflowIds.Count > 1
            ? core.Calls.RepeatInTimeAsync("cancel workflows", Try, cancellationToken)
            : core.Calls.RepeatAsync("cancel a workflow", Try, cancellationToken)).ConfigureAwait(false);
        foreach (var id in cancelled)
        {
            core.Running?.Stop(id, CancellationReason.Cancelled, begun);
        }

        // If the answer of an earlier try was lost, the workflows that it cancelled are in no answer.
        foreach (var id in repeated ? cancelled.Union(workflowIds) : cancelled)
        {
            core.Signals.AnnounceGone(id);
        }

        Task<IReadOnlyList<string>> Try(int failures, CancellationToken token)
        {
            repeated = failures > 0;
            return core.Store.Workflows.CancelAsync(workflowIds, children, error, token);
        }
    }

    public async Task ResumeAsync(IReadOnlyList<string> workflowIds, string? queue, CancellationToken cancellationToken)
    {
        var begun = core.Running?.Begun ?? 0;
        var result = await (workflowIds.Count > 1
            ? core.Calls.RepeatInTimeAsync("resume workflows", Try, cancellationToken)
            : core.Calls.RepeatAsync("resume a workflow", Try, cancellationToken)).ConfigureAwait(false);
        if (result.MissingId is { } missing)
        {
            throw new NonExistentWorkflowException(missing);
        }

        if (result.UnplacedId is { } unplaced)
        {
            throw new ArgumentException(
                $"Queue '{queue}' has limits for each partition, and workflow '{unplaced}' was started without one: resume it without a "
                    + "queue, or fork it with ForkOptions.PartitionKey.",
                nameof(queue));
        }

        foreach (var id in result.ResumedIds)
        {
            // A run that has not ended has lost its workflow. Runs in other processes detect that by the rows' tokens.
            core.Running?.Stop(id, CancellationReason.Shutdown, begun);
            core.Sender.Announce(new StoreSignal(StoreSignalKind.Cancelled, id));
        }

        if (result.ResumedIds.Count > 0)
        {
            core.Signals.Announce(new StoreSignal(StoreSignalKind.Enqueued, queue ?? ""));
        }

        Task<ResumeResult> Try(int failures, CancellationToken token) => core.Store.Workflows.ResumeAsync(workflowIds, queue, token);
    }

    public async Task<string> ForkAsync(string workflowId, ForkCut cut, ForkOptions? options, CancellationToken cancellationToken)
    {
        options ??= new ForkOptions();
        await CheckPlaceAsync(options, cancellationToken).ConfigureAwait(false);
        var request = new ForkRequest(workflowId, cut, options.Id ?? AscendingIds.Next(), options)
        {
            ReplacedWinners = [.. options.ReplacedChildren?.Select(
                pair => KeyValuePair.Create(EncodeId(pair.Key), EncodeId(pair.Value))) ?? []],
        };
        var result = await core.Calls.RepeatInTimeAsync(
            "fork a workflow",
            (failures, token) => core.Store.Management.ForkAsync(request with { IsRepeated = failures > 0 }, token),
            cancellationToken).ConfigureAwait(false);
        if (result.Status != ForkStatus.Forked)
        {
            throw Refused(request, result);
        }

        core.Signals.Announce(new StoreSignal(StoreSignalKind.Enqueued, options.Queue ?? ""));
        if (options.Id is not null)
        {
            await AnnounceEventsAsync(request.ForkId, cancellationToken).ConfigureAwait(false);
        }

        return request.ForkId;
    }

    public async Task RewindAsync(string workflowId, int fromSequence, CancellationToken cancellationToken)
    {
        // Read first: after a lost answer, a later try compares with it to see whether the workflow was already rewound.
        var before = await core.Calls.RepeatInTimeAsync(
            "rewind a workflow", (_, token) => core.Store.Workflows.ReadAsync(workflowId, token), cancellationToken).ConfigureAwait(false);
        if (before is { Status.State: var state } && !state.IsTerminal())
        {
            throw new WorkflowNotEndedException(workflowId, state);
        }

        var request = new RewindRequest(workflowId, fromSequence)
        {
            EndedAtMs = before?.Status.CompletedAt?.ToUnixTimeMilliseconds(),
        };
        var result = await core.Calls.RepeatInTimeAsync(
            "rewind a workflow",
            (failures, token) => core.Store.Management.RewindAsync(request with { IsRepeated = failures > 0 }, token),
            cancellationToken).ConfigureAwait(false);
        switch (result.Status)
        {
            case RewindStatus.NoWorkflow:
                throw new NonExistentWorkflowException(workflowId);
            case RewindStatus.BeyondHistory:
                throw BeyondHistory(workflowId, fromSequence, result.Highest);
            case RewindStatus.NotEnded:
                throw new WorkflowNotEndedException(workflowId, result.State);
        }

        // If the answer of an earlier try was lost, that try enqueued the workflow.
        core.Signals.Announce(new StoreSignal(StoreSignalKind.Enqueued, ""));
    }

    public async Task DeleteAsync(IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken)
    {
        var begun = core.Running?.Begun ?? 0;
        var deleted = await core.Calls.RepeatInTimeAsync(
            "delete a workflow", (_, token) => core.Store.Management.DeleteAsync(workflowIds, children, token), cancellationToken)
            .ConfigureAwait(false);

        // An earlier try whose answer was lost may have deleted the given workflows.
        foreach (var id in deleted.Union(workflowIds, StringComparer.Ordinal))
        {
            core.Running?.Stop(id, CancellationReason.Cancelled, begun);
            core.Signals.AnnounceGone(id);
        }
    }

    public async Task SetAttributesAsync(string workflowId, string? attributesJson, CancellationToken cancellationToken)
    {
        var isThere = await core.Calls.RepeatInTimeAsync(
            "set attributes", (_, token) => core.Store.Management.SetAttributesAsync(workflowId, attributesJson, token), cancellationToken)
            .ConfigureAwait(false);
        if (!isThere)
        {
            throw new NonExistentWorkflowException(workflowId);
        }
    }

    public async Task<GarbageCollected> CollectGarbageAsync(RetentionPolicy policy, CancellationToken cancellationToken)
    {
        var scope = new RetentionScope(policy, core.Identity.ApplicationName);
        var (deleted, _) = await core.Calls.UseAsync(
            "collect garbage", token => collector.CollectAsync(scope, token), cancellationToken)
            .ConfigureAwait(false);
        return new GarbageCollected(deleted);
    }

    /// <summary>
    /// Reports the events of a new fork, copied from its source, to callers that already wait for them.
    /// </summary>
    private async Task AnnounceEventsAsync(string workflowId, CancellationToken cancellationToken)
    {
        try
        {
            var events = await core.Calls.UseAsync(
                "fork a workflow", token => core.Store.Messaging.ReadAllEventsAsync(workflowId, token), cancellationToken)
                .ConfigureAwait(false);
            foreach (var row in events ?? [])
            {
                core.Signals.Announce(new StoreSignal(StoreSignalKind.Event, Wakeups.SignalOf(workflowId, row.Key.Key)));
            }
        }
        catch (Exception exception) when (exception is DbosException or OperationCanceledException)
        {
            // The fork is stored, and the polls that cover all signals find its events.
        }
    }

    private async Task CheckPlaceAsync(ForkOptions options, CancellationToken cancellationToken)
    {
        if (options is { PartitionKey: not null, Queue: null })
        {
            throw new ArgumentException("PartitionKey needs a queue: set ForkOptions.Queue too.", nameof(options));
        }

        if (options.Queue is { } queue)
        {
            var row = await core.Calls.UseAsync("fork a workflow", token => core.Book.FindAsync(queue, token).AsTask(), cancellationToken)
                .ConfigureAwait(false);
            PartitionRule.Check(new StartOptions { Queue = queue, PartitionKey = options.PartitionKey }, row);
        }
    }

    private static Exception Refused(ForkRequest request, ForkResult result) => result.Status switch
    {
        ForkStatus.NoSource => new NonExistentWorkflowException(request.SourceId),
        ForkStatus.NoStep => NoStep(request.SourceId, request.Cut.StepName),
        ForkStatus.BeyondHistory => BeyondHistory(request.SourceId, request.Cut.Sequence ?? 0, result.Highest),
        _ => WorkflowIdInUseException.OfFork(request.ForkId, result.ExistingName ?? "", result.ExistingState),
    };

    private static ArgumentException NoStep(string workflowId, string? stepName) =>
        new($"The workflow '{workflowId}' has no recorded step '{stepName}'.", nameof(stepName));

    private static ArgumentOutOfRangeException BeyondHistory(string workflowId, int fromSequence, int highest) => new(
        nameof(fromSequence),
        fromSequence,
        highest < 0
            ? $"The workflow '{workflowId}' has no recorded steps, so only 0 is valid."
            : $"The history of workflow '{workflowId}' ends at {highest}, so at most {highest + 1} is valid.");

    // The form in which a step that waits for the first of several workflows records the id.
    private string EncodeId(string id) => core.Serializer.Encode(id, typeof(string), PayloadFormat.MessagePack).Text!;
}
