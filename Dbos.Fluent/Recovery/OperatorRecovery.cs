using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>Hands on the work of dead executors at once when an operator asks for it, whether or not it has moved recently.</summary>
internal sealed class OperatorRecovery(
    IExecutorStore store, ExecutorRegistration self, LeaseLoop leases, Registry registry, ILogger logger)
{
    /// <summary>The rows that run here or are about to run here, and so are not orphans.</summary>
    public required Func<OwnRows> Own { get; init; }

    /// <summary>Called with the ids of workflows that were handed on and can be claimed.</summary>
    public required Action<IReadOnlyList<string>> HandedOn { get; init; }

    /// <param name="executorIds">The executors to recover; null for all whose lease has ended or that never had one.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <exception cref="ExecutorIdInUseException">One of the executors is alive; nothing was handed on.</exception>
    public async Task<int> RecoverAsync(IReadOnlyList<string>? executorIds, CancellationToken cancellationToken)
    {
        if (registry.Names.Count == 0)
        {
            return 0;
        }

        var executors = await StoreBackoff.RepeatAsync(
            _ => store.ReadAsync(self.ApplicationName, cancellationToken), cancellationToken).ConfigureAwait(false);
        if (executorIds is not null)
        {
            var asked = executors.Where(executor => executorIds.Contains(executor.ExecutorId, StringComparer.Ordinal)).ToList();
            await RefuseLivingAsync(asked, cancellationToken).ConfigureAwait(false);
            return await RepeatAsync(
                () => store.HandOnAsync(Request(executorIds) with { Except = Own() }, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
        }

        await leases.SettleAsync(cancellationToken).ConfigureAwait(false);
        foreach (var dead in executors.Where(executor => executor.Alive && HostProcesses.IsProvenDead(executor.Host)))
        {
            await store.ExpireAsync(dead.ExecutorId, dead.Incarnation, cancellationToken).ConfigureAwait(false);
        }

        return await RepeatAsync(
            () => store.HandOnOrphansAsync(Request([]) with { Except = Own() }, TimeSpan.Zero, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }

    // A process of this host that has ended is dead, however much of its lease is left.
    private async Task RefuseLivingAsync(List<ExecutorRow> asked, CancellationToken cancellationToken)
    {
        var alive = asked.Where(executor => executor.Alive).ToList();
        if (alive.Find(executor => !HostProcesses.IsProvenDead(executor.Host)) is { } living)
        {
            throw ExecutorIdInUseException.OfRecovery(living.ExecutorId);
        }

        foreach (var dead in alive)
        {
            await store.ExpireAsync(dead.ExecutorId, dead.Incarnation, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<int> RepeatAsync(Func<Task<IReadOnlyList<string>>> handOn, CancellationToken cancellationToken)
    {
        var count = 0;
        IReadOnlyList<string> ids;
        do
        {
            ids = await StoreBackoff.RepeatAsync(_ => handOn(), cancellationToken).ConfigureAwait(false);
            count += ids.Count;
            if (ids.Count > 0)
            {
                logger.WorkflowsHandedOn(ids.Count);
                HandedOn(ids);
            }
        }
        while (ids.Count == HandOnRequest.LimitMax);

        return count;
    }

    private HandOnRequest Request(IReadOnlyList<string> executorIds) => new()
    {
        ApplicationName = self.ApplicationName,
        ApplicationVersion = self.ApplicationVersion,
        WorkflowNames = registry.Names,
        ExecutorIds = executorIds,
        Observer = self.ExecutorId,
        Limit = HandOnRequest.LimitMax,
    };
}
