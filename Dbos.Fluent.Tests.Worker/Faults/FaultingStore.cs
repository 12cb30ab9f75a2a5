using System.Data.Common;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>A store whose calls pass through <see cref="IStoreFaults"/> before and after they take effect.</summary>
/// <remarks>Listening is passed on untouched: wake-ups are hints, and their loss is the proxy's business.</remarks>
internal sealed class FaultingStore(IStore inner, IStoreFaults faults)
    : IStore, ISchemaStore, ICommitStore, IClaimStore, IWorkflowStore, IListStore, IManagementStore, IExecutorStore, IMessagingStore,
        IQueueStore, IScheduleStore, IOutboxStore, ISignalStore, IVersionStore
{
    public StoreCapabilities Capabilities => inner.Capabilities;

    public ISchemaStore Schema => this;

    public ICommitStore Commits => this;

    public IClaimStore Claims => this;

    public IWorkflowStore Workflows => this;

    public IListStore Lists => this;

    public IManagementStore Management => this;

    public IExecutorStore Executors => this;

    public IMessagingStore Messaging => this;

    public IQueueStore Queues => this;

    public IScheduleStore Schedules => this;

    public IOutboxStore Outbox => this;

    public ISignalStore Signals => this;

    public IVersionStore Versions => this;

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    Task ISchemaStore.MigrateAsync(CancellationToken token) =>
        CallAsync(StoreCallKind.Migrate, () => Nothing(inner.Schema.MigrateAsync(token)), token);

    Task<SchemaLevel> ISchemaStore.ReadLevelAsync(CancellationToken token) =>
        CallAsync(StoreCallKind.ReadLevel, () => inner.Schema.ReadLevelAsync(token), token);

    async ValueTask<IReadOnlyList<CommitResult>> ICommitStore.CommitAsync(IReadOnlyList<CommitUnit> batch, CancellationToken token) =>
        await CallAsync(StoreCallKind.Commit, () => inner.Commits.CommitAsync(batch, token).AsTask(), token, batch);

    async ValueTask<CommitResult> ICommitStore.CommitWaitingAsync(CommitUnit unit, CancellationToken token) =>
        await CallAsync(StoreCallKind.CommitWaiting, () => inner.Commits.CommitWaitingAsync(unit, token).AsTask(), token, [unit]);

    Task<ClaimResult> IClaimStore.ClaimAsync(ClaimRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.Claim, () => inner.Claims.ClaimAsync(request, token), token);

    Task<LimitedClaim> IClaimStore.ClaimLimitedAsync(ClaimRequest request, QueueShare share, CancellationToken token) =>
        CallAsync(
            StoreCallKind.ClaimLimited, () => inner.Claims.ClaimLimitedAsync(request, share, token), token, queue: share.Queue);

    Task<ParkedClaim> IClaimStore.ClaimParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken token) =>
        CallAsync(
            StoreCallKind.ClaimParked, () => inner.Claims.ClaimParkedAsync(request, scope, token), token, parked: scope);

    Task<ParkedOutlook> IClaimStore.ReadParkedOutlookAsync(string applicationName, long? afterMs, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadParkedOutlook, () => inner.Claims.ReadParkedOutlookAsync(applicationName, afterMs, token), token);

    Task<IReadOnlyDictionary<string, StoredHistory>> IClaimStore.ReadHistoriesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadHistories, () => inner.Claims.ReadHistoriesAsync(workflowIds, token), token, read: workflowIds);

    Task<WorkflowRow?> IWorkflowStore.ReadAsync(string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.Read, () => inner.Workflows.ReadAsync(workflowId, token), token);

    Task<(WorkflowRow Row, IReadOnlyList<CheckpointRow> Checkpoints)?> IWorkflowStore.ReadHistoryAsync(
        string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadHistory, () => inner.Workflows.ReadHistoryAsync(workflowId, token), token);

    Task<IReadOnlyList<WorkflowOutcomeRow>> IWorkflowStore.ReadOutcomesAsync(IReadOnlyList<string> workflowIds, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadOutcomes, () => inner.Workflows.ReadOutcomesAsync(workflowIds, token), token);

    Task<IReadOnlyList<LostExecution>> IWorkflowStore.ReadLostAsync(IReadOnlyList<Ownership> executions, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadLost, () => inner.Workflows.ReadLostAsync(executions, token), token);

    Task<IReadOnlyList<string>> IWorkflowStore.CancelAsync(
        IReadOnlyList<string> workflowIds, bool children, CancelError error, CancellationToken token) =>
        CallAsync(StoreCallKind.Cancel, () => inner.Workflows.CancelAsync(workflowIds, children, error, token), token);

    Task<ResumeResult> IWorkflowStore.ResumeAsync(IReadOnlyList<string> workflowIds, string? queue, CancellationToken token) =>
        CallAsync(StoreCallKind.Resume, () => inner.Workflows.ResumeAsync(workflowIds, queue, token), token);

    Task<IReadOnlyList<string>> IWorkflowStore.CancelExpiredAsync(
        string applicationName, int limit, CancelError error, CancellationToken token) => CallAsync(
        StoreCallKind.CancelExpired, () => inner.Workflows.CancelExpiredAsync(applicationName, limit, error, token), token);

    Task<ListPage> IListStore.ReadPageAsync(PageRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadPage, () => inner.Lists.ReadPageAsync(request, token), token);

    Task<IReadOnlyList<CountRow>> IListStore.CountAsync(FilteredRows rows, CountBy by, CancellationToken token) =>
        CallAsync(StoreCallKind.CountWorkflows, () => inner.Lists.CountAsync(rows, by, token), token);

    Task<ForkResult> IManagementStore.ForkAsync(ForkRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.Fork, () => inner.Management.ForkAsync(request, token), token);

    Task<RewindResult> IManagementStore.RewindAsync(RewindRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.Rewind, () => inner.Management.RewindAsync(request, token), token);

    Task<IReadOnlyList<string>> IManagementStore.DeleteAsync(IReadOnlyList<string> workflowIds, bool children, CancellationToken token) =>
        CallAsync(StoreCallKind.Delete, () => inner.Management.DeleteAsync(workflowIds, children, token), token);

    Task<bool> IManagementStore.SetAttributesAsync(string workflowId, string? attributesJson, CancellationToken token) =>
        CallAsync(StoreCallKind.SetAttributes, () => inner.Management.SetAttributesAsync(workflowId, attributesJson, token), token);

    Task<PageKey?> IManagementStore.ReadRetentionBoundAsync(RetentionScope scope, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadRetentionBound, () => inner.Management.ReadRetentionBoundAsync(scope, token), token);

    Task<RetentionBatch> IManagementStore.CollectAsync(RetentionRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.Collect, () => inner.Management.CollectAsync(request, token), token, collected: request);

    Task<PageKey?> IManagementStore.FindFirstAsync(RetentionRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.FindFirst, () => inner.Management.FindFirstAsync(request, token), token);

    Task<long?> IManagementStore.ReadCommitsAsync(CancellationToken token) =>
        CallAsync(StoreCallKind.ReadCommits, () => inner.Management.ReadCommitsAsync(token), token);

    Task<RegisterResult> IExecutorStore.RegisterAsync(ExecutorRegistration registration, CancellationToken token) =>
        CallAsync(StoreCallKind.Register, () => inner.Executors.RegisterAsync(registration, token), token);

    Task<RegisterResult> IExecutorStore.RenewAsync(string executorId, string incarnation, TimeSpan lease, CancellationToken token) =>
        CallAsync(StoreCallKind.Renew, () => inner.Executors.RenewAsync(executorId, incarnation, lease, token), token);

    RegisterResult IExecutorStore.Renew(string executorId, string incarnation, TimeSpan lease, TimeSpan limit)
    {
        var renewing = CallAsync(
            StoreCallKind.Renew,
            () => Task.FromResult(inner.Executors.Renew(executorId, incarnation, lease, limit)),
            CancellationToken.None);
        return renewing.WaitAsync(limit, TimeProvider.System).GetAwaiter().GetResult();
    }

    Task<int> IExecutorStore.StopAsync(string executorId, string incarnation, CancellationToken token) =>
        CallAsync(StoreCallKind.Stop, () => inner.Executors.StopAsync(executorId, incarnation, token), token);

    Task<IReadOnlyList<ExecutorRow>> IExecutorStore.ReadAsync(string applicationName, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadExecutors, () => inner.Executors.ReadAsync(applicationName, token), token);

    Task IExecutorStore.ExpireAsync(string executorId, string incarnation, CancellationToken token) =>
        CallAsync(StoreCallKind.Expire, () => Nothing(inner.Executors.ExpireAsync(executorId, incarnation, token)), token);

    Task<IReadOnlyList<string>> IExecutorStore.HandOnAsync(HandOnRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.HandOn, () => inner.Executors.HandOnAsync(request, token), token);

    Task<IReadOnlyList<string>> IExecutorStore.HandBackAsync(
        IReadOnlyList<Ownership> executions, bool attempted, CancellationToken token) =>
        CallAsync(StoreCallKind.HandBack, () => inner.Executors.HandBackAsync(executions, attempted, token), token);

    Task<IReadOnlyList<string>> IExecutorStore.HandOnOrphansAsync(HandOnRequest request, TimeSpan takenFor, CancellationToken token) =>
        CallAsync(StoreCallKind.HandOnOrphans, () => inner.Executors.HandOnOrphansAsync(request, takenFor, token), token);

    Task<IReadOnlyList<InboxKey>> IMessagingStore.ReadUnreadAsync(IReadOnlyList<InboxKey> inboxes, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadUnread, () => inner.Messaging.ReadUnreadAsync(inboxes, token), token);

    Task<IReadOnlyList<EventRow>> IMessagingStore.ReadEventsAsync(IReadOnlyList<EventKey> events, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadEvents, () => inner.Messaging.ReadEventsAsync(events, token), token);

    Task<IReadOnlyList<EventRow>?> IMessagingStore.ReadAllEventsAsync(string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadAllEvents, () => inner.Messaging.ReadAllEventsAsync(workflowId, token), token);

    Task<IReadOnlyList<StreamChunk>> IMessagingStore.ReadStreamsAsync(
        IReadOnlyList<StreamPosition> positions, int limit, long bytesMax, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadStreams, () => inner.Messaging.ReadStreamsAsync(positions, limit, bytesMax, token), token);

    Task<IReadOnlyList<StoredMessage>?> IMessagingStore.ReadMessagesAsync(string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadMessages, () => inner.Messaging.ReadMessagesAsync(workflowId, token), token);

    Task<IReadOnlyList<string>> IMessagingStore.ReadForksAsync(string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadForks, () => inner.Messaging.ReadForksAsync(workflowId, token), token);

    Task<QueueRegistered> IQueueStore.RegisterAsync(QueueRegistration registration, CancellationToken token) =>
        CallAsync(StoreCallKind.RegisterQueue, () => inner.Queues.RegisterAsync(registration, token), token);

    Task<QueueRow?> IQueueStore.ReadAsync(string name, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadQueues, () => inner.Queues.ReadAsync(name, token), token);

    Task<IReadOnlyList<QueueRow>> IQueueStore.ReadAllAsync(string? applicationName, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadQueues, () => inner.Queues.ReadAllAsync(applicationName, token), token);

    Task<IReadOnlyDictionary<string, QueueCount>> IQueueStore.CountAsync(IReadOnlyList<string> names, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadQueues, () => inner.Queues.CountAsync(names, token), token);

    Task<bool> IQueueStore.SetPausedAsync(string name, bool paused, CancellationToken token) =>
        CallAsync(StoreCallKind.ChangeQueue, () => inner.Queues.SetPausedAsync(name, paused, token), token);

    Task IQueueStore.DeleteAsync(string name, CancellationToken token) =>
        CallAsync(StoreCallKind.ChangeQueue, () => Nothing(inner.Queues.DeleteAsync(name, token)), token);

    Task<QueueOutlook> IQueueStore.ReadOutlookAsync(string applicationName, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadOutlook, () => inner.Queues.ReadOutlookAsync(applicationName, token), token);

    Task<IReadOnlyList<string>> IQueueStore.ReleaseDelayedAsync(string applicationName, int limit, CancellationToken token) =>
        CallAsync(StoreCallKind.ReleaseDelayed, () => inner.Queues.ReleaseDelayedAsync(applicationName, limit, token), token);

    Task<IReadOnlyList<CommitResult>> IQueueStore.StartManyAsync(IReadOnlyList<StartUnit> starts, CancellationToken token) =>
        CallAsync(StoreCallKind.StartMany, () => inner.Queues.StartManyAsync(starts, token), token);

    Task<bool> IQueueStore.SetPriorityAsync(string workflowId, int priority, CancellationToken token) =>
        CallAsync(StoreCallKind.ChangeWaiting, () => inner.Queues.SetPriorityAsync(workflowId, priority, token), token);

    Task<bool> IQueueStore.SetDelayAsync(string workflowId, DelayEnd end, CancellationToken token) =>
        CallAsync(StoreCallKind.ChangeWaiting, () => inner.Queues.SetDelayAsync(workflowId, end, token), token);

    Task<ScheduleWritten> IScheduleStore.WriteAsync(IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, CancellationToken token) =>
        CallAsync(StoreCallKind.WriteSchedules, () => inner.Schedules.WriteAsync(rows, mode, token), token);

    Task<long> IScheduleStore.ReadNowMsAsync(CancellationToken token) =>
        CallAsync(StoreCallKind.ReadSchedules, () => inner.Schedules.ReadNowMsAsync(token), token);

    Task<ScheduleRow?> IScheduleStore.ReadAsync(string name, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadSchedules, () => inner.Schedules.ReadAsync(name, token), token);

    Task<IReadOnlyList<ScheduleRow>> IScheduleStore.ReadAllAsync(string? applicationName, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadSchedules, () => inner.Schedules.ReadAllAsync(applicationName, token), token);

    Task<bool> IScheduleStore.SetPausedAsync(string name, bool paused, CancellationToken token) =>
        CallAsync(StoreCallKind.WriteSchedules, () => inner.Schedules.SetPausedAsync(name, paused, token), token);

    Task IScheduleStore.DeleteAsync(string name, CancellationToken token) =>
        CallAsync(StoreCallKind.WriteSchedules, () => Nothing(inner.Schedules.DeleteAsync(name, token)), token);

    Task<TickOutcome> IScheduleStore.FireAsync(ScheduleTick tick, CancellationToken token) =>
        CallAsync(StoreCallKind.Fire, () => inner.Schedules.FireAsync(tick, token), token);

    Task<string?> IScheduleStore.FindRunningAsync(string name, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadSchedules, () => inner.Schedules.FindRunningAsync(name, token), token);

    Task<CommitResult> IOutboxStore.StartAsync(DbTransaction transaction, StartUnit start, CancellationToken token) =>
        inner.Outbox.StartAsync(transaction, start, token);

    Task<CommitResult> IOutboxStore.SendAsync(DbTransaction transaction, MessageRow message, CancellationToken token) =>
        inner.Outbox.SendAsync(transaction, message, token);

    Task<IReadOnlyList<VersionRow>> IVersionStore.ReadAllAsync(string? applicationName, CancellationToken token) =>
        CallAsync(StoreCallKind.Versions, () => inner.Versions.ReadAllAsync(applicationName, token), token);

    Task<bool> IVersionStore.SetLatestAsync(string? applicationName, string version, CancellationToken token) =>
        CallAsync(StoreCallKind.Versions, () => inner.Versions.SetLatestAsync(applicationName, version, token), token);

    Task<IReadOnlyList<UnfinishedRow>> IVersionStore.ReadUnfinishedAsync(
        string applicationName, string version, string after, int limit, CancellationToken token) => CallAsync(
        StoreCallKind.Versions, () => inner.Versions.ReadUnfinishedAsync(applicationName, version, after, limit, token), token);

    Task<bool> IVersionStore.AdoptAsync(AdoptedRow adopted, CancellationToken token) =>
        CallAsync(StoreCallKind.Adopt, () => inner.Versions.AdoptAsync(adopted, token), token);

    Task<CodeStanding> IVersionStore.ReadCodeAsync(
        string? applicationName, string? version, string workflowName, CancellationToken token) => CallAsync(
        StoreCallKind.Versions, () => inner.Versions.ReadCodeAsync(applicationName, version, workflowName, token), token);

    Task<StrandedPage> IVersionStore.ReadStrandedAsync(StrandedQuestion question, CancellationToken token) =>
        CallAsync(StoreCallKind.Versions, () => inner.Versions.ReadStrandedAsync(question, token), token);

    Task<IReadOnlyList<WaitRow>> IVersionStore.ReadWaitsAsync(string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.Versions, () => inner.Versions.ReadWaitsAsync(workflowId, token), token);

    Task<PlaceCounts> IVersionStore.ReadPlaceAsync(PlaceQuestion question, CancellationToken token) =>
        CallAsync(StoreCallKind.Versions, () => inner.Versions.ReadPlaceAsync(question, token), token);

    Task ISignalStore.AnnounceAsync(IReadOnlyCollection<StoreSignal> signals, CancellationToken token) =>
        CallAsync(StoreCallKind.Announce, () => Nothing(inner.Signals.AnnounceAsync(signals, token)), token);

    IAsyncEnumerable<StoreSignal> ISignalStore.ListenAsync(CancellationToken token) => inner.Signals.ListenAsync(token);

    private async Task<T> CallAsync<T>(
        StoreCallKind kind,
        Func<Task<T>> effect,
        CancellationToken token,
        IReadOnlyList<CommitUnit>? batch = null,
        string? queue = null,
        IReadOnlyList<string>? read = null,
        ParkedScope? parked = null,
        RetentionRequest? collected = null)
    {
        var call = new StoreCall(kind, batch ?? []) { Queue = queue, Read = read ?? [], Parked = parked, Collected = collected };
        await faults.BeforeAsync(call, token);
        var result = await effect();
        var claim = (result as ClaimResult) ?? (result as LimitedClaim)?.Result;
        var answered = claim is null ? call : call with { Claimed = [.. claim.Claimed.Select(work => work.Id)] };
        await faults.AfterAsync(answered, token);
        return result;
    }

    private static async Task<Unit> Nothing(Task task)
    {
        await task;
        return default;
    }
}
