using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Moves waiting workflows of another version to this engine's version, if a replay shows that its code can continue them.
/// </summary>
internal sealed class Adoption(IStore store, RunEnvironment environment, LeaseLoop leases, TimeSpan lease)
{
    private const int PageSize = 100;

    private readonly HistoryReader reader = new(store);

    public async Task<IReadOnlyList<(string WorkflowId, bool Adopted, string? Why)>> AdoptAsync(
        string fromVersion, CancellationToken cancellationToken)
    {
        var outcomes = new List<(string, bool, string?)>();
        for (var (after, handedOn) = ("", false); ;)
        {
            var page = await ReadPageAsync(fromVersion, after, cancellationToken).ConfigureAwait(false);
            if (!handedOn && page.Any(row => row.State is WorkflowState.Pending))
            {
                await HandOnAsync(fromVersion, cancellationToken).ConfigureAwait(false);
                handedOn = true;
                continue;
            }

            string[] ids = [.. page.Select(row => row.Work.Id)];
            var (histories, unread) = await reader.ReadAsync(ids, cancellationToken).ConfigureAwait(false);
            foreach (var row in page)
            {
                var why = unread.Contains(row.Work.Id)
                    ? "Its history could not be read in time."
                    : await AdoptAsync(
                        row, histories.GetValueOrDefault(row.Work.Id, StoredHistory.Empty), fromVersion, cancellationToken)
                        .ConfigureAwait(false);
                outcomes.Add((row.Work.Id, why is null, why));
            }

            if (page.Count < PageSize)
            {
                return outcomes;
            }

            after = ids[^1];
        }
    }

    private Task<IReadOnlyList<UnfinishedRow>> ReadPageAsync(string fromVersion, string after, CancellationToken cancellationToken) =>
        StoreBackoff.RepeatAsync(
            _ => store.Versions.ReadUnfinishedAsync(environment.ApplicationName, fromVersion, after, PageSize, cancellationToken),
            cancellationToken);

    // Workflows that a dead engine of that version still owns are handed on first, and then adopted with the rest.
    private async Task HandOnAsync(string fromVersion, CancellationToken cancellationToken)
    {
        var request = new HandOnRequest
        {
            ApplicationName = environment.ApplicationName,
            ApplicationVersion = fromVersion,
            WorkflowNames = environment.Registry.Names,
            Limit = HandOnRequest.LimitMax,
        };
        await leases.SettleAsync(cancellationToken).ConfigureAwait(false);
        while (environment.Registry.Names.Count > 0
            && (await StoreBackoff.RepeatAsync(
                _ => store.Executors.HandOnOrphansAsync(request, lease, cancellationToken), cancellationToken).ConfigureAwait(false))
                .Count == HandOnRequest.LimitMax)
        {
        }
    }

    private async Task<string?> AdoptAsync(
        UnfinishedRow row, StoredHistory history, string fromVersion, CancellationToken cancellationToken)
    {
        if (row.State is WorkflowState.Pending)
        {
            return $"Executor '{row.ExecutorId}' is running it: stop that engine, or wait until its lease has ended.";
        }

        if (environment.Registry.Find(row.Work.Name) is not { } definition)
        {
            return $"No workflow '{row.Work.Name}' is registered with this engine.";
        }

        var conflict = await DryReplay.FindConflictAsync(row.Work, history, definition, environment)
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        if (conflict is not null)
        {
            return conflict;
        }

        var adopted = new AdoptedRow(row.Work.Id, fromVersion, environment.ApplicationVersion, row.UpdatedAtMs);
        return await StoreBackoff.RepeatAsync(
            async failures => await store.Versions.AdoptAsync(adopted, cancellationToken).ConfigureAwait(false)
                || (failures > 0 && await IsOursAsync(row.Work.Id, cancellationToken).ConfigureAwait(false)),
            cancellationToken).ConfigureAwait(false)
            ? null
            : "It has moved on while its history was looked at: it was taken, cancelled or resumed. Adopt once more if it still waits.";
    }

    // An earlier try whose answer was lost may have adopted it, and the workflow may have continued since.
    private async Task<bool> IsOursAsync(string workflowId, CancellationToken cancellationToken)
    {
        var row = await store.Workflows.ReadAsync(workflowId, cancellationToken).ConfigureAwait(false);
        return row?.Status.ApplicationVersion == environment.ApplicationVersion;
    }
}
