namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>One claim from queues without limits, inside its transaction.</summary>
internal sealed class SqliteClaim(SqliteSession session, ClaimRequest request, long nowMs)
{
    private readonly SqliteTaking taking = new(session, request, nowMs);

    public ClaimResult Run()
    {
        taking.TakeBack();
        if (taking.Left > 0)
        {
            foreach (var id in FindFirst(taking.Left))
            {
                taking.Take(id, limited: null);
            }
        }

        return taking.Result;
    }

    // The queues take turns: the first row of each comes before the second of any, so that a long line blocks no other queue. The order of
    // queues is random, as the same queue would otherwise win each single free place. The rows found are taken in line order.
    private IEnumerable<string> FindFirst(int limit)
    {
        var line = new SqliteLine(session, request);
        string[] open = [.. FindOpen()];
        Random.Shared.Shuffle(open);
        return open
            .SelectMany(queue => line.Read(queue, limit).Select((place, turn) => (Place: place, Turn: turn)))
            .OrderBy(one => one.Turn)
            .Take(limit)
            .Select(one => one.Place)
            .Order()
            .Select(place => place.WorkflowId);
    }

    // Registrations, pauses and limits since the caller's last look count.
    private IEnumerable<string> FindOpen()
    {
        var closed = new HashSet<string>(StringComparer.Ordinal);
        using (var statement = session.Use(QueueSql.ReadMany).Bind("@names", SqliteLists.Of(request.Queues)))
        {
            while (statement.Step())
            {
                if (SqliteQueueRow.Read(statement) is { } row && (row.Paused || row.Queue.IsLimited))
                {
                    closed.Add(row.Queue.Name);
                }
            }
        }

        return request.Queues.Distinct(StringComparer.Ordinal).Where(queue => !closed.Contains(queue));
    }
}
