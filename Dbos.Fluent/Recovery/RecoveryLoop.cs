using System.Collections.Concurrent;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Hands on the unfinished work of executors that are gone: proven dead on this host at once, silent elsewhere when their lease has
/// ended.
/// </summary>
internal sealed class RecoveryLoop(IExecutorStore store, ExecutorRegistration self, LeaseLoop leases, Registry registry, ILogger logger)
    : IAsyncDisposable
{
    private const int HandOnMax = 1000;
    private static readonly TimeSpan AfterExpiry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FollowUp = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentQueue<(Ownership Execution, bool Attempted)> toHandBack = new();
    private readonly HashSet<string> recovered = new(StringComparer.Ordinal);
    private Task loop = Task.CompletedTask;

    /// <summary>Called with the ids of workflows that were handed on and wait to be claimed.</summary>
    public required Action<IReadOnlyList<string>> HandedOn { get; init; }

    /// <summary>Called with whether other executors of the application are alive.</summary>
    public required Action<bool> PeersSeen { get; init; }

    /// <summary>What runs here or is about to, and is no orphan.</summary>
    public required Func<OwnRows> Own { get; init; }

    /// <summary>
    /// An execution that is ours and that nothing here runs: the next pass hands it on. Not at once, as it may well fail again.
    /// </summary>
    public void HandBack(Ownership execution) => toHandBack.Enqueue((execution, true));

    /// <summary>Hands on an execution that never began, which uses up no attempt.</summary>
    public void HandBackUnbegun(Ownership execution) => toHandBack.Enqueue((execution, false));

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
        await HandOnAsync([self.ExecutorId, .. dead.Select(peer => peer.ExecutorId)], cancellationToken).ConfigureAwait(false);
        recovered.UnionWith(dead.Select(peer => peer.Incarnation));
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
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
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
        PeersSeen(executors.Except(dead).Any(peer => peer.Alive && peer.ExecutorId != self.ExecutorId));
        if (dead.Count > 0)
        {
            await HandOnAsync([.. dead.Select(peer => peer.ExecutorId)], cancellationToken).ConfigureAwait(false);
            recovered.UnionWith(dead.Select(peer => peer.Incarnation));
        }

        await HandBackAsync(cancellationToken).ConfigureAwait(false);

        // An outage of the database must not look like the death of everyone.
        if (leases.GaplessContact >= self.Lease)
        {
            // Our own rows too, where nothing here runs them: one may have been locked, or still on its way, when this process launched.
            await RepeatAsync(() => store.HandOnOrphansAsync(
                Request([self.ExecutorId]) with { Except = Own() }, self.Lease, cancellationToken)).ConfigureAwait(false);
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
        if (executors.Any(JustEnded) && FollowUp < left)
        {
            // What an executor took shortly before it fell silent has not been its for long enough when its lease ends.
            left = FollowUp;
        }

        return left < third ? left : third;
    }

    // Also one whose lease has ended: it may have died before its work could be handed on, or long before anybody looked. Once is enough
    // for each; what was locked at that moment is found as an orphan later.
    private async Task<List<ExecutorRow>> ExpireProvenDeadAsync(IReadOnlyList<ExecutorRow> executors, CancellationToken cancellationToken)
    {
        var dead = executors.Where(IsNewlyDead).ToList();
        foreach (var peer in dead.Where(peer => peer.Alive))
        {
            await store.ExpireAsync(peer.ExecutorId, peer.Incarnation, cancellationToken).ConfigureAwait(false);
            logger.ExecutorProvenDead(peer.ExecutorId, peer.Host.ProcessId);
        }

        return dead;
    }

    private bool IsNewlyDead(ExecutorRow peer) =>
        !peer.Stopped && peer.Incarnation != self.Incarnation
        && !recovered.Contains(peer.Incarnation)
        && HostProcesses.IsProvenDead(peer.Host);

    private bool JustEnded(ExecutorRow peer) =>
        !peer.Alive && !peer.Stopped && peer.ReadAtMs - peer.ExpiresAtMs <= (long)self.Lease.TotalMilliseconds;

    private Task HandOnAsync(IReadOnlyList<string> executorIds, CancellationToken cancellationToken)
    {
        var request = Request(executorIds);
        return RepeatAsync(() => store.HandOnAsync(request, cancellationToken));
    }

    private async Task HandBackAsync(CancellationToken cancellationToken)
    {
        (Ownership Execution, bool Attempted)[] all = [.. toHandBack];
        List<string> ids = [];
        foreach (var executions in all.ToLookup(one => one.Attempted, one => one.Execution))
        {
            ids.AddRange(await store.HandBackAsync([.. executions], executions.Key, cancellationToken).ConfigureAwait(false));
        }

        for (var number = 0; number < all.Length; number++)
        {
            toHandBack.TryDequeue(out _);
        }

        if (ids.Count > 0)
        {
            HandedOn(ids);
        }
    }

    private async Task RepeatAsync(Func<Task<IReadOnlyList<string>>> handOn)
    {
        while (true)
        {
            var began = TimeProvider.System.GetTimestamp();
            var ids = await handOn().ConfigureAwait(false);
            if (ids.Count > 0)
            {
                logger.WorkflowsHandedOn(ids.Count);
                HandedOn(ids);
            }

            if (ids.Count < HandOnMax)
            {
                return;
            }

            if (Own().Running.Count > 0)
            {
                // Many rows in one statement keep the database busy: what runs here gets as long a turn as they had.
                await Task.Delay(TimeProvider.System.GetElapsedTime(began), TimeProvider.System, stopping.Token).ConfigureAwait(false);
            }
        }
    }

    private HandOnRequest Request(IReadOnlyList<string> executorIds) => new()
    {
        ApplicationName = self.ApplicationName,
        WorkflowNames = registry.Names,
        ExecutorIds = executorIds,
        Observer = self.ExecutorId,
        Limit = HandOnMax,
    };
}
