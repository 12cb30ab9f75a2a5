using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Looks now and then for unfinished work that no running engine takes: of a version that nobody runs, or under a name that nobody has. A
/// person is told, once for each state of it.
/// </summary>
internal sealed class StrandedWatch(IVersionStore store, ExecutorRegistration self, LeaseLoop leases, ILogger logger) : IAsyncDisposable
{
    /// <summary>What a look reads at most: a backlog of millions is not read through at once, but by one look after another.</summary>
    private const int LookedMax = 100_000;

    private static readonly WorkflowState[] States = [WorkflowState.Enqueued, WorkflowState.Delayed, WorkflowState.Pending];

    private readonly CancellationTokenSource stopping = new();
    private readonly Dictionary<(string? Version, string Name), StrandedRow> found = [];
    private (int State, PageKey After) place = (0, PageKey.BeforeAll);
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

                // Right after an outage nobody's lease lives, and nothing would seem to be anybody's.
                await leases.SettleAsync(stopping.Token).ConfigureAwait(false);
                wait = await LookAsync(stopping.Token).ConfigureAwait(false) ? self.Lease * 4 : self.Lease;
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

    // True once all has been looked at, and told. Until then what was found is counted on from where the last look ended.
    private async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        for (var left = LookedMax; left > 0;)
        {
            var question = new StrandedQuestion(self.ApplicationName, States[place.State], place.After, left);
            var page = await store.ReadStrandedAsync(question, cancellationToken).ConfigureAwait(false);
            foreach (var row in page.Rows)
            {
                var kind = (row.Version, row.Name);
                found[kind] = found.TryGetValue(kind, out var more) ? more with { Count = more.Count + row.Count } : row;
            }

            place = page.Looked == left && page.Last is { } last ? place with { After = last } : (place.State + 1, PageKey.BeforeAll);
            left -= (int)page.Looked;
            if (place.State == States.Length)
            {
                place = (0, PageKey.BeforeAll);
                Tell([.. found.Values.OrderBy(row => row.Version, StringComparer.Ordinal).ThenBy(row => row.Name, StringComparer.Ordinal)]);
                found.Clear();
                return true;
            }
        }

        return false;
    }

    private void Tell(IReadOnlyList<StrandedRow> stranded)
    {
        StrandedCounts.Set(this, self.ApplicationName, stranded);
        foreach (var row in stranded.Except(told))
        {
            logger.WorkflowsStranded(row.Count, row.Name, row.Version ?? "(the latest)", row.ExampleId);
        }

        told = stranded;
    }
}
