using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>Looks periodically for unfinished workflows that no running engine takes, and logs each change.</summary>
/// <remarks>They belong to a version that nobody runs, or have a name that nobody has registered.</remarks>
internal sealed class StrandedWatch(IVersionStore store, ExecutorRegistration self, LeaseLoop leases, ILogger logger) : IAsyncDisposable
{
    /// <summary>The most rows that one look reads: a backlog of millions is read over several looks.</summary>
    private const int LookedMax = 100_000;

    private static readonly WorkflowState[] States = [WorkflowState.Enqueued, WorkflowState.Delayed, WorkflowState.Pending];

    private readonly BackgroundLoop loop = new();
    private readonly Dictionary<(string? Version, string Name), StrandedRow> found = [];
    private (int State, PageKey After) place = (0, PageKey.BeforeAll);
    private IReadOnlyList<StrandedRow> told = [];
    private bool soon = true;

    public void Start() => loop.Start(TurnAsync, logger.StrandedUnknown, rest: TimeSpan.Zero);

    public async ValueTask DisposeAsync()
    {
        await loop.DisposeAsync().ConfigureAwait(false);
        StrandedCounts.Forget(this);
    }

    // The first look comes after the work of a dead peer has been handed on.
    private async Task TurnAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(soon ? self.Lease : self.Lease * 4, TimeProvider.System, cancellationToken).ConfigureAwait(false);

        // This loop only reports, so a look that fails is not repeated soon.
        soon = false;

        // Right after an outage no lease is alive, and all work would seem stranded.
        await leases.SettleAsync(cancellationToken).ConfigureAwait(false);
        soon = !await LookAsync(cancellationToken).ConfigureAwait(false);
    }

    // Returns true once all rows have been counted and reported. Until then, the next look continues counting where this one ended.
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
