using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Reads the histories of many workflows in as few queries as the database answers in time.</summary>
/// <remarks>
/// If a query times out, half as many are read, as the same query would time out again. A single unreadable history must not block the
/// others for ever. An outage looks the same, so a simple query checks that the database answers before a history is blamed.
/// </remarks>
internal sealed class HistoryReader(IStore store)
{
    /// <summary>Reads histories; those that do not exist are in neither answer.</summary>
    /// <returns>The histories by workflow id, and the ids of those that do not arrive in time even alone.</returns>
    public async Task<(IReadOnlyDictionary<string, StoredHistory> Read, IReadOnlySet<string> Unread)> ReadAsync(
        string[] ids, CancellationToken cancellationToken)
    {
        var read = new Dictionary<string, StoredHistory>(StringComparer.Ordinal);
        var unread = new HashSet<string>(StringComparer.Ordinal);
        for (var (next, portion) = (0, ids.Length); next < ids.Length;)
        {
            string[] some = [.. ids.Skip(next).Take(portion)];
            var histories = await ReadInTimeAsync(some, cancellationToken).ConfigureAwait(false);
            if (histories is null && some.Length > 1)
            {
                portion = some.Length / 2;
                continue;
            }

            if (histories is null)
            {
                await StoreBackoff.RepeatAsync(_ => store.Workflows.ReadOutcomesAsync(some, cancellationToken), cancellationToken)
                    .ConfigureAwait(false);
                histories = await ReadInTimeAsync(some, cancellationToken).ConfigureAwait(false);
            }

            if (histories is null)
            {
                unread.Add(some[0]);
            }

            foreach (var (id, history) in histories ?? new Dictionary<string, StoredHistory>())
            {
                read[id] = history;
            }

            next += portion;
        }

        return (read, unread);
    }

    /// <summary>Reads histories; returns null if they do not arrive in time. A single history is tried several times.</summary>
    private async Task<IReadOnlyDictionary<string, StoredHistory>?> ReadInTimeAsync(string[] ids, CancellationToken cancellationToken)
    {
        try
        {
            return await StoreBackoff.RepeatInTimeAsync(
                "read the histories of workflows",
                _ => store.Claims.ReadHistoriesAsync(ids, cancellationToken),
                cancellationToken,
                ids.Length == 1 ? StoreBackoff.TimeoutsMax : 1).ConfigureAwait(false);
        }
        catch (StoreUnavailableException late) when (late.TimedOut)
        {
            return null;
        }
    }
}
