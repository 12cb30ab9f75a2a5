using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Retention;

/// <summary>Deletes ended workflows by the engine's policy, in repeated passes on the system clock.</summary>
/// <remarks>All engines of an application may do this; each skips rows that another engine is deleting.</remarks>
internal sealed class RetentionLoop(IManagementStore store, RetentionScope scope, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan IntervalMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IntervalMax = TimeSpan.FromSeconds(10);

    // If many workflows are kept, looking for due ones is costly, so it takes at most a fiftieth of the time.
    private const int ShareOfTime = 50;
    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(10);

    private readonly GarbageCollector collector = new(store, logger);
    private readonly BackgroundLoop loop = new();

    public void Start() => loop.Start(PassAsync, logger.CollectingFailed, rest: IntervalMax);

    public ValueTask DisposeAsync() => loop.DisposeAsync();

    private async Task PassAsync(CancellationToken cancellationToken)
    {
        var (deleted, taken) = await collector.CollectAsync(scope, cancellationToken).ConfigureAwait(false);
        if (deleted > 0)
        {
            logger.WorkflowsCollected(deleted);
        }

        await Task.Delay(Interval(taken, deleted), TimeProvider.System, cancellationToken).ConfigureAwait(false);
    }

    // An age limit of days need not be checked each second.
    private TimeSpan Interval(TimeSpan taken, long deleted)
    {
        var idle = deleted > 0 ? TimeSpan.Zero : taken * ShareOfTime < IdleMax ? taken * ShareOfTime : IdleMax;
        var byAge = (scope.Policy.OlderThan ?? IntervalMax) / 4;
        var usual = byAge < IntervalMin ? IntervalMin : byAge > IntervalMax ? IntervalMax : byAge;
        return idle > usual ? idle : usual;
    }
}
