using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>
/// Looks once a second, in one statement, at all that may have changed without a word: queues, delays, parked workflows, deadlines. It
/// covers what other SDKs announce to nobody, and what a lost signal left.
/// </summary>
internal sealed class OutlookLoop(IQueueStore store, string applicationName, ILogger logger) : IAsyncDisposable
{
    private const double JitterPart = 0.1;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>However often it is woken, it does not look more often than that.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(20);

    private readonly AsyncSignal wake = new();
    private readonly CancellationTokenSource stopping = new();
    private Task loop = Task.CompletedTask;

    /// <summary>Called before each look: what becomes known from then on may not be in the answer.</summary>
    public required Action Begins { get; init; }

    /// <summary>Called with each answer.</summary>
    public required Action<QueueOutlook> Seen { get; init; }

    public void Start() => loop = Task.Run(RunAsync);

    /// <summary>Looks now.</summary>
    public void Wake() => wake.Set();

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        stopping.Dispose();
        wake.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                Begins();
                Seen(await StoreBackoff.RepeatAsync(
                    _ => store.ReadOutlookAsync(applicationName, stopping.Token), stopping.Token).ConfigureAwait(false));
                await Task.Delay(Spacing, TimeProvider.System, stopping.Token).ConfigureAwait(false);
                await wake.WaitAsync(Jittered(), stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // A loop that ends would strand whatever nobody announces: it says what happened and looks again.
                logger.OutlookFailed(exception);
                await Task.Delay(Interval, TimeProvider.System, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // Processes that were launched together do not go on looking together.
    internal static TimeSpan Jittered() => Interval * (1 + (JitterPart * Random.Shared.NextDouble()));
}
