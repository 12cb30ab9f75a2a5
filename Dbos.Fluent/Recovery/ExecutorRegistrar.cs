using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>Takes the lease of an executor id at launch.</summary>
internal static class ExecutorRegistrar
{
    /// <remarks>
    /// If the id has a live lease, as after a crash of this executor on another host, this waits until the lease ends. A lease that is
    /// renewed in the meantime shows that its holder is alive. A holder that is proven dead on this host is not waited for.
    /// </remarks>
    /// <exception cref="ExecutorIdInUseException">The holder of the id renewed its lease.</exception>
    public static async Task<Lease> RegisterAsync(
        IExecutorStore store, ExecutorRegistration self, StoreClock clock, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var lease = new Lease(self.Lease);
        ExecutorRow? holder = null;
        while (true)
        {
            var sentAt = TimeProvider.System.GetUtcNow();
            var sentStamp = TimeProvider.System.GetTimestamp();
            var result = await store.RegisterAsync(self, cancellationToken).ConfigureAwait(false);
            if (result.Registered)
            {
                lease.Renewed(sentStamp, sentAt);
                clock.Synchronize(result.NowMs, sentStamp);
                return lease;
            }

            if (holder is not null && (result.ExpiresAtMs > holder.ExpiresAtMs || result.Holder!.Incarnation != holder.Incarnation))
            {
                throw ExecutorIdInUseException.OfLaunch(self.ExecutorId, HostProcesses.Describe(result.Holder!.Host));
            }

            holder = result.Holder!;
            if (HostProcesses.IsProvenDead(holder.Host))
            {
                await store.ExpireAsync(holder.ExecutorId, holder.Incarnation, cancellationToken).ConfigureAwait(false);
                continue;
            }

            loggers.CreateLogger("Dbos.Fluent").WaitingForLease(self.ExecutorId);
            var left = TimeSpan.FromMilliseconds(Math.Max(result.ExpiresAtMs - result.NowMs, 0) + 20);
            await Task.Delay(left, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }
}
