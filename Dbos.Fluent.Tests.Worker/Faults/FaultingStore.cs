using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>A store whose calls pass through <see cref="IStoreFaults"/> before and after they take effect.</summary>
/// <remarks>Listening is passed on untouched: wake-ups are hints, and their loss is the proxy's business.</remarks>
internal sealed class FaultingStore(IStore inner, IStoreFaults faults)
    : IStore, ISchemaStore, ICommitStore, IClaimStore, IWorkflowStore, IExecutorStore, ISignalStore
{
    public StoreCapabilities Capabilities => inner.Capabilities;

    public ISchemaStore Schema => this;

    public ICommitStore Commits => this;

    public IClaimStore Claims => this;

    public IWorkflowStore Workflows => this;

    public IExecutorStore Executors => this;

    public ISignalStore Signals => this;

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

    Task<IReadOnlyDictionary<string, IReadOnlyList<CheckpointRow>>> IClaimStore.ReadHistoriesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadHistories, () => inner.Claims.ReadHistoriesAsync(workflowIds, token), token);

    Task<WorkflowRow?> IWorkflowStore.ReadAsync(string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.Read, () => inner.Workflows.ReadAsync(workflowId, token), token);

    Task<(WorkflowRow Row, IReadOnlyList<CheckpointRow> Checkpoints)?> IWorkflowStore.ReadHistoryAsync(
        string workflowId, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadHistory, () => inner.Workflows.ReadHistoryAsync(workflowId, token), token);

    Task<IReadOnlyList<WorkflowOutcomeRow>> IWorkflowStore.ReadOutcomesAsync(IReadOnlyList<string> workflowIds, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadOutcomes, () => inner.Workflows.ReadOutcomesAsync(workflowIds, token), token);

    Task<IReadOnlyList<LostExecution>> IWorkflowStore.ReadLostAsync(IReadOnlyList<Ownership> executions, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadLost, () => inner.Workflows.ReadLostAsync(executions, token), token);

    Task<IReadOnlyList<string>> IWorkflowStore.CancelAsync(IReadOnlyList<string> workflowIds, CancelError error, CancellationToken token) =>
        CallAsync(StoreCallKind.Cancel, () => inner.Workflows.CancelAsync(workflowIds, error, token), token);

    Task<IReadOnlyList<string>> IWorkflowStore.CancelExpiredAsync(
        string applicationName, int limit, CancelError error, CancellationToken token) => CallAsync(
        StoreCallKind.CancelExpired, () => inner.Workflows.CancelExpiredAsync(applicationName, limit, error, token), token);

    Task<RegisterResult> IExecutorStore.RegisterAsync(ExecutorRegistration registration, CancellationToken token) =>
        CallAsync(StoreCallKind.Register, () => inner.Executors.RegisterAsync(registration, token), token);

    Task<RegisterResult> IExecutorStore.RenewAsync(string executorId, string incarnation, TimeSpan lease, CancellationToken token) =>
        CallAsync(StoreCallKind.Renew, () => inner.Executors.RenewAsync(executorId, incarnation, lease, token), token);

    Task<int> IExecutorStore.StopAsync(string executorId, string incarnation, CancellationToken token) =>
        CallAsync(StoreCallKind.Stop, () => inner.Executors.StopAsync(executorId, incarnation, token), token);

    Task<IReadOnlyList<ExecutorRow>> IExecutorStore.ReadAsync(string applicationName, CancellationToken token) =>
        CallAsync(StoreCallKind.ReadExecutors, () => inner.Executors.ReadAsync(applicationName, token), token);

    Task IExecutorStore.ExpireAsync(string executorId, string incarnation, CancellationToken token) =>
        CallAsync(StoreCallKind.Expire, () => Nothing(inner.Executors.ExpireAsync(executorId, incarnation, token)), token);

    Task<IReadOnlyList<string>> IExecutorStore.HandOnAsync(HandOnRequest request, CancellationToken token) =>
        CallAsync(StoreCallKind.HandOn, () => inner.Executors.HandOnAsync(request, token), token);

    Task<IReadOnlyList<string>> IExecutorStore.HandBackAsync(IReadOnlyList<Ownership> executions, CancellationToken token) =>
        CallAsync(StoreCallKind.HandBack, () => inner.Executors.HandBackAsync(executions, token), token);

    Task<IReadOnlyList<string>> IExecutorStore.HandOnOrphansAsync(HandOnRequest request, TimeSpan unmovedFor, CancellationToken token) =>
        CallAsync(StoreCallKind.HandOnOrphans, () => inner.Executors.HandOnOrphansAsync(request, unmovedFor, token), token);

    Task ISignalStore.AnnounceAsync(IReadOnlyCollection<StoreSignal> signals, CancellationToken token) =>
        CallAsync(StoreCallKind.Announce, () => Nothing(inner.Signals.AnnounceAsync(signals, token)), token);

    IAsyncEnumerable<StoreSignal> ISignalStore.ListenAsync(CancellationToken token) => inner.Signals.ListenAsync(token);

    private async Task<T> CallAsync<T>(
        StoreCallKind kind, Func<Task<T>> effect, CancellationToken token, IReadOnlyList<CommitUnit>? batch = null)
    {
        var call = new StoreCall(kind, batch ?? []);
        await faults.BeforeAsync(call, token);
        var result = await effect();
        var answered = result is ClaimResult claim ? call with { Claimed = [.. claim.Claimed.Select(work => work.Id)] } : call;
        await faults.AfterAsync(answered, token);
        return result;
    }

    private static async Task<Unit> Nothing(Task task)
    {
        await task;
        return default;
    }
}
