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

    private IEnumerable<string> FindFirst(int limit)
    {
        var line = new SqliteLine(session, request);
        var places = new List<LinePlace>();
        foreach (var queue in FindOpen())
        {
            places.AddRange(line.Read(queue, limit));
        }

        places.Sort();
        return places.Take(limit).Select(place => place.WorkflowId);
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
