using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Retention;

/// <summary>Deletes ended workflows by the engine's policy, again and again, on the system clock.</summary>
/// <remarks>Engines of one application may all do so: each leaves alone what another is deleting.</remarks>
internal sealed class RetentionLoop(IManagementStore store, RetentionScope scope, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan IntervalMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IntervalMax = TimeSpan.FromSeconds(10);

    // Looking for what is due costs something where many are kept, so that it takes a fiftieth of the time at most.
    private const int ShareOfTime = 50;
    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(10);

    private readonly GarbageCollector collector = new(store);
    private readonly CancellationTokenSource stopping = new();
    private Task loop = Task.CompletedTask;

    public void Start() => loop = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var (deleted, taken) = await collector.CollectAsync(scope, stopping.Token).ConfigureAwait(false);
                if (deleted > 0)
                {
                    logger.WorkflowsCollected(deleted);
                }

                await Task.Delay(Interval(taken, deleted), TimeProvider.System, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // A loop that ended would let the tables grow unnoticed.
                logger.CollectingFailed(exception);
                await Task.Delay(IntervalMax, TimeProvider.System, stopping.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // An age of days need not be looked at each second.
    private TimeSpan Interval(TimeSpan taken, long deleted)
    {
        var idle = deleted > 0 ? TimeSpan.Zero : taken * ShareOfTime < IdleMax ? taken * ShareOfTime : IdleMax;
        var byAge = (scope.Policy.OlderThan ?? IntervalMax) / 4;
        var usual = byAge < IntervalMin ? IntervalMin : byAge > IntervalMax ? IntervalMax : byAge;
        return idle > usual ? idle : usual;
    }
}
