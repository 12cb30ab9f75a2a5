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
                taking.Take(id, rateLimited: false);
            }
        }

        return taking.Result;
    }

    // The queues take turns, the first of each before the second of any, so that a long line keeps no other waiting. Which of them begins
    // is drawn, as with one free place at a time the same one would always win. What was found is taken in the order of its places.
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

    // What was registered, paused or limited since the caller last looked counts.
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
