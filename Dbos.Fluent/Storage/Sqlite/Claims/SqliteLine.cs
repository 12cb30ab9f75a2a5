namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Reads lines for workflows that a claim may take, inside the claim's transaction.</summary>
/// <remarks>
/// The rows of a line are of a few kinds: one version and one workflow's name each. Only those that the claim may take are read, so its
/// cost follows their number, and what waits for other versions or under other names does not add to it, however much it is.
/// </remarks>
internal sealed class SqliteLine(SqliteSession session, ClaimRequest request)
{
    private const int ChunkMin = 16;

    private readonly LineKinds kinds = new(session, request);

    /// <summary>The first workflows of a queue without partitions.</summary>
    public List<LinePlace> Read(string queue, int limit)
    {
        var places = LineSource.Merge(OfKinds(queue, null, limit), limit);
        if (kinds.Of(queue).Any(kind => Finds(LineSql.FindParted, queue, kind)))
        {
            // What stands behind as many others is not wanted.
            places.AddRange(ReadParted(queue, places.Count > 0 && places.Count == limit ? places[^1] : LinePlace.BehindAll, limit));
            places.Sort();
            places.RemoveRange(Math.Min(limit, places.Count), Math.Max(places.Count - limit, 0));
        }

        return places;
    }

    /// <summary>The first workflows of a partition.</summary>
    public List<LinePlace> Read(string queue, string partition, int limit) => LineSource.Merge(OfKinds(queue, partition, limit), limit);

    /// <summary>How many kinds of rows there are in a queue that the claim may take.</summary>
    public int Kinds(string queue) => kinds.Of(queue).Count;

    /// <summary>Whether a workflow that the claim may take waits in a queue, in whichever partition.</summary>
    public bool Waits(string queue) => kinds.Of(queue).Any(kind => Finds(LineSql.FindKind, queue, kind));

    /// <summary>Gives a partition to some of those workflows that have none.</summary>
    /// <returns>Whether there may be others.</returns>
    public bool NameStrays(string queue)
    {
        var left = PartitionStrays.Max;
        foreach (var kind in kinds.Of(queue).TakeWhile(_ => left > 0))
        {
            using var strays = kind.Bind(session.Use(LineSql.NameStrays), queue).Bind("@limit", left);
            left -= strays.Execute();
        }

        return left == 0;
    }

    // With one kind all is read at once, with several only a share of each: it is read on where it turns out to be the first.
    private List<LineSource> OfKinds(string queue, string? partition, int limit)
    {
        var mine = kinds.Of(queue);
        var chunk = mine.Count <= 1 ? limit : Math.Min(limit, (limit / mine.Count) + ChunkMin);
        return mine.ConvertAll(kind => new LineSource(chunk, after => ReadChunk(queue, kind, partition, after, chunk)));
    }

    private List<LinePlace> ReadChunk(string queue, LineKind kind, string? partition, LinePlace after, int limit)
    {
        using var statement = kind.Bind(session.Use(LineSql.ReadKind), queue)
            .Bind("@partition", partition)
            .Bind("@priority", after.Priority)
            .Bind("@created_at", after.CreatedAtMs)
            .Bind("@workflow_uuid", after.WorkflowId)
            .Bind("@limit", limit);
        return ReadAll(statement);
    }

    private List<LinePlace> ReadParted(string queue, LinePlace furthest, int limit)
    {
        using var statement = session.Use(LineSql.ReadParted)
            .Bind("@queue_name", queue)
            .Bind("@names", SqliteLists.Of(request.WorkflowNames))
            .Bind("@application_name", request.ApplicationName)
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@takes_unversioned", kinds.TakesUnversioned ? 1 : 0)
            .Bind("@real_now", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds())
            .Bind("@priority", furthest.Priority)
            .Bind("@created_at", furthest.CreatedAtMs)
            .Bind("@limit", limit);
        return ReadAll(statement);
    }

    private bool Finds(string sql, string queue, LineKind kind)
    {
        using var statement = kind.Bind(session.Use(sql), queue);
        return statement.Step();
    }

    private static List<LinePlace> ReadAll(SqliteStatement statement)
    {
        var places = new List<LinePlace>();
        while (statement.Step())
        {
            places.Add(new LinePlace(statement.Int64(0), statement.Int64(1), statement.Text(2)));
        }

        return places;
    }
}
