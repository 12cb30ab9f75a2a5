using System.Collections.Concurrent;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Hands on the unfinished work of dead executors: at once if proven dead on this host, otherwise when their lease has ended.
/// </summary>
internal sealed class RecoveryLoop(IExecutorStore store, ExecutorRegistration self, LeaseLoop leases, Registry registry, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan AfterExpiry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FollowUp = TimeSpan.FromSeconds(1);

    private readonly BackgroundLoop loop = new();
    private readonly ConcurrentQueue<(Ownership Execution, bool Attempted)> toHandBack = new();
    private readonly HashSet<string> recovered = new(StringComparer.Ordinal);
    private TimeSpan? nextIn;

    /// <summary>Called with the ids of workflows that were handed on and can be claimed.</summary>
    public required Action<IReadOnlyList<string>> HandedOn { get; init; }

    /// <summary>Called with whether other executors of the application are alive.</summary>
    public required Action<bool> PeersSeen { get; init; }

    /// <summary>The rows that run here or are about to run here, and so are not orphans.</summary>
    public required Func<OwnRows> Own { get; init; }

    /// <summary>
    /// Hands on, at the next pass, an execution that this executor owns but does not run. Not at once, as it may well fail again.
    /// </summary>
    public void HandBack(Ownership execution) => toHandBack.Enqueue((execution, true));

    /// <summary>Hands on an execution that never began, which uses up no attempt.</summary>
    public void HandBackUnbegun(Ownership execution) => toHandBack.Enqueue((execution, false));

    public void Start() => loop.Start(TurnAsync, logger.RecoveryPassFailed, rest: TimeSpan.Zero);

    public ValueTask DisposeAsync() => loop.DisposeAsync();

    /// <summary>At launch: takes up the work of this executor id and of executors that are proven dead on this host.</summary>
    public async Task RecoverAtLaunchAsync(CancellationToken cancellationToken)
    {
        var executors = await store.ReadAsync(self.ApplicationName, cancellationToken).ConfigureAwait(false);
        var dead = await ExpireProvenDeadAsync(executors, cancellationToken).ConfigureAwait(false);
        await HandOnAsync([self.ExecutorId, .. dead.Select(peer => peer.ExecutorId)], cancellationToken).ConfigureAwait(false);
        recovered.UnionWith(dead.Select(peer => peer.Incarnation));
    }

    private async Task TurnAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(nextIn ?? self.Lease / 3, TimeProvider.System, cancellationToken).ConfigureAwait(false);

        // Only a pass that succeeds tells when the next is due.
        nextIn = null;
        nextIn = await PassAsync(cancellationToken).ConfigureAwait(false);
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

        // After an outage of the database, all executors look dead.
        if (leases.GaplessContact >= self.Lease)
        {
            // Includes our own rows that nothing here runs: a row may have been locked, or still on its way, when this process launched.
            await RepeatAsync(() => store.HandOnOrphansAsync(
                Request([self.ExecutorId]) with { Except = Own() }, self.Lease, cancellationToken)).ConfigureAwait(false);
        }

        return NextPass(executors);
    }

    // The loop checks a peer's lease when it ends, so that its work continues within one lease and not at a later tick.
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
            // A row that an executor took shortly before it fell silent has not been owned for long enough when the lease ends.
            left = FollowUp;
        }

        return left < third ? left : third;
    }

    // Includes executors whose lease has ended: one may have died before its work could be handed on, or long before anyone looked. Each is
    // handled once; rows that were locked at that moment are found as orphans later.
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
        foreach (var executions in all.ToLookup(one => one.Attempted, one => one.Execution))
        {
            var ids = await store.HandBackAsync([.. executions], executions.Key, cancellationToken).ConfigureAwait(false);
            if (ids.Count > 0)
            {
                HandedOn(ids);
            }
        }

        for (var number = 0; number < all.Length; number++)
        {
            toHandBack.TryDequeue(out _);
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

            if (ids.Count < HandOnRequest.LimitMax)
            {
                return;
            }

            if (Own().Running.Count > 0)
            {
                // Many rows in one statement keep the database busy, so running workflows get a turn of the same length.
                await Task.Delay(TimeProvider.System.GetElapsedTime(began), TimeProvider.System, loop.Stopping).ConfigureAwait(false);
            }
        }
    }

    private HandOnRequest Request(IReadOnlyList<string> executorIds) => new()
    {
        ApplicationName = self.ApplicationName,
        WorkflowNames = registry.Names,
        ExecutorIds = executorIds,
        Observer = self.ExecutorId,
        Limit = HandOnRequest.LimitMax,
    };
}
