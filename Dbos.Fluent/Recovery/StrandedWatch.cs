using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Looks now and then for waiting work that no running engine takes: of a version that nobody runs, or under a name that nobody has. A
/// person is told, once for each state of it.
/// </summary>
internal sealed class StrandedWatch(IVersionStore store, ExecutorRegistration self, ILogger logger) : IAsyncDisposable
{
    /// <summary>What a look reads at most of each kind: a backlog of millions is not read through for it.</summary>
    private const int LookedMax = 100_000;

    private readonly CancellationTokenSource stopping = new();
    private IReadOnlyList<StrandedRow> told = [];
    private Task loop = Task.CompletedTask;

    public void Start() => loop = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        stopping.Dispose();
        StrandedCounts.Forget(this);
    }

    // At first when what a dead peer left has been handed on.
    private async Task RunAsync()
    {
        var wait = self.Lease;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(wait, TimeProvider.System, stopping.Token).ConfigureAwait(false);
                wait = self.Lease * 4;
                Tell(await store.ReadStrandedAsync(self.ApplicationName, LookedMax, stopping.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // It only tells; the next look is the retry.
                logger.StrandedUnknown(exception);
            }
        }
    }

    private void Tell(IReadOnlyList<StrandedRow> found)
    {
        StrandedCounts.Set(this, self.ApplicationName, found);
        foreach (var row in found.Except(told))
        {
            logger.WorkflowsStranded(row.Count, row.Name, row.Version ?? "(the latest)", row.ExampleId);
        }

        told = found;
    }
}
