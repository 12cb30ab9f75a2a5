using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>
/// Looks once a second, in one statement, for changes that nobody signals: queues, delays, parked workflows and deadlines. It covers what
/// other SDKs do not announce, and lost signals.
/// </summary>
internal sealed class OutlookLoop(IQueueStore store, string applicationName, ILogger logger) : IAsyncDisposable
{
    private const double JitterPart = 0.1;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>The least time between two looks, however often the loop is woken.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(20);

    private readonly AsyncSignal wake = new();
    private readonly BackgroundLoop loop = new();

    /// <summary>Called before each look; the look's answer may miss anything that becomes known after this call.</summary>
    public required Action Begins { get; init; }

    /// <summary>Called with each answer.</summary>
    public required Action<QueueOutlook> Seen { get; init; }

    public void Start() => loop.Start(LookAsync, logger.OutlookFailed, rest: Interval);

    /// <summary>Looks now.</summary>
    public void Wake() => wake.Set();

    public async ValueTask DisposeAsync()
    {
        await loop.DisposeAsync().ConfigureAwait(false);
        wake.Dispose();
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        Begins();
        Seen(await StoreBackoff.RepeatAsync(
            _ => LastStatement.FinishAsync(token => store.ReadOutlookAsync(applicationName, token), cancellationToken), cancellationToken)
            .ConfigureAwait(false));
        var looked = TimeProvider.System.GetTimestamp();
        await wake.WaitAsync(Jittered(), cancellationToken).ConfigureAwait(false);
        if (Spacing - TimeProvider.System.GetElapsedTime(looked) is { Ticks: > 0 } left)
        {
            await Task.Delay(left, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    // Jitter keeps processes that were launched together from looking at the same moments.
    internal static TimeSpan Jittered() => Interval * (1 + (JitterPart * Random.Shared.NextDouble()));
}
