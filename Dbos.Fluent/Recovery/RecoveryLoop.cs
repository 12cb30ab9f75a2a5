using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>Hands on the unfinished work of executors that are gone: proven dead on this host at once, silent elsewhere when their lease has ended.</summary>
internal sealed class RecoveryLoop(IExecutorStore store, ExecutorRegistration self, LeaseLoop leases, Registry registry, ILogger logger) : IAsyncDisposable
{
    private const int HandOnMax = 1000;
    private static readonly TimeSpan AfterExpiry = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource stopping = new();
    private Task loop = Task.CompletedTask;

    /// <summary>Called with the ids of workflows that were handed on and wait to be claimed.</summary>
    public Action<IReadOnlyList<string>> HandedOn { get; set; } = _ => { };

    public void Start() => loop = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        stopping.Dispose();
    }

    /// <summary>At launch: takes up what this executor id left, and what executors left that are proven dead on this host.</summary>
    public async Task RecoverAtLaunchAsync(CancellationToken cancellationToken)
    {
        var executors = await store.ReadAsync(self.ApplicationName, cancellationToken).ConfigureAwait(false);
        var dead = await ExpireProvenDeadAsync(executors, cancellationToken).ConfigureAwait(false);
        await HandOnAsync([self.ExecutorId, .. dead], cancellationToken).ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        var interval = self.Lease / 3;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(interval, TimeProvider.System, stopping.Token).ConfigureAwait(false);
                interval = await PassAsync(stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception exception)
            {
                // The next pass is the retry; a loop that ended would leave dead executors' work lying.
                logger.RecoveryPassFailed(exception);
                interval = self.Lease / 3;
            }
        }
    }

    private async Task<TimeSpan> PassAsync(CancellationToken cancellationToken)
    {
        var executors = await store.ReadAsync(self.ApplicationName, cancellationToken).ConfigureAwait(false);
        var dead = await ExpireProvenDeadAsync(executors, cancellationToken).ConfigureAwait(false);
        if (dead.Count > 0)
        {
            await HandOnAsync(dead, cancellationToken).ConfigureAwait(false);
        }

        // An outage of the database must not look like the death of everyone.
        if (leases.GaplessContact >= self.Lease)
        {
            var request = Request([]);
            await RepeatAsync(() => store.HandOnOrphansAsync(request, self.Lease, cancellationToken)).ConfigureAwait(false);
        }

        return NextPass(executors);
    }

    // A peer's lease is looked at when it ends, so that its work goes on within the lease and not at some later tick.
    private TimeSpan NextPass(IReadOnlyList<ExecutorRow> executors)
    {
        var third = self.Lease / 3;
        var soonest = executors.Where(peer => peer.Alive && peer.ExecutorId != self.ExecutorId)
            .Select(peer => peer.ExpiresAtMs - peer.ReadAtMs)
            .DefaultIfEmpty(long.MaxValue)
            .Min();
        var left = TimeSpan.FromMilliseconds(Math.Clamp(soonest, 0, (long)third.TotalMilliseconds)) + AfterExpiry;
        return left < third ? left : third;
    }

    private async Task<IReadOnlyList<string>> ExpireProvenDeadAsync(IReadOnlyList<ExecutorRow> executors, CancellationToken cancellationToken)
    {
        var dead = new List<string>();
        foreach (var peer in executors.Where(peer => peer.Alive && peer.Incarnation != self.Incarnation && HostProcesses.IsProvenDead(peer.Host)))
        {
            await store.ExpireAsync(peer.ExecutorId, peer.Incarnation, cancellationToken).ConfigureAwait(false);
            logger.ExecutorProvenDead(peer.ExecutorId, peer.Host.ProcessId);
            dead.Add(peer.ExecutorId);
        }

        return dead;
    }

    private Task HandOnAsync(IReadOnlyList<string> executorIds, CancellationToken cancellationToken)
    {
        var request = Request(executorIds);
        return RepeatAsync(() => store.HandOnAsync(request, cancellationToken));
    }

    private async Task RepeatAsync(Func<Task<IReadOnlyList<string>>> handOn)
    {
        IReadOnlyList<string> ids;
        do
        {
            ids = await handOn().ConfigureAwait(false);
            if (ids.Count > 0)
            {
                logger.WorkflowsHandedOn(ids.Count);
                HandedOn(ids);
            }
        }
        while (ids.Count == HandOnMax);
    }

    private HandOnRequest Request(IReadOnlyList<string> executorIds) => new()
    {
        ApplicationName = self.ApplicationName,
        WorkflowNames = registry.Names,
        ExecutorIds = executorIds,
        Limit = HandOnMax,
    };
}
