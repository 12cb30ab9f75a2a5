namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Reads lines for workflows that a claim may take, inside the claim's transaction.</summary>
internal sealed class SqliteLine(SqliteSession session, ClaimRequest request)
{
    private readonly string names = SqliteLists.Of(request.WorkflowNames);
    private readonly bool takesUnversioned = new SqliteClaimReads(session, request, 0).TakesUnversioned();

    /// <summary>The first workflows of a queue.</summary>
    public List<LinePlace> Read(string queue, int limit) => Read(session.Use(LineSql.ReadLine).Bind("@queue_name", queue), limit);

    /// <summary>The first workflows of a partition.</summary>
    public List<LinePlace> Read(string queue, string partition, int limit) =>
        Read(session.Use(LineSql.ReadPartitionLine).Bind("@queue_name", queue).Bind("@partition", partition), limit);

    private List<LinePlace> Read(SqliteStatement bound, int limit)
    {
        using var statement = bound
            .Bind("@names", names)
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@takes_unversioned", takesUnversioned ? 1 : 0)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@real_now", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds())
            .Bind("@limit", limit);
        var places = new List<LinePlace>();
        while (statement.Step())
        {
            places.Add(new LinePlace(statement.Int64(0), statement.Int64(1), statement.Text(2)));
        }

        return places;
    }
}

/// <summary>A workflow's position in a line: by priority, then age, then id.</summary>
internal readonly record struct LinePlace(long Priority, long CreatedAtMs, string WorkflowId) : IComparable<LinePlace>
{
    public int CompareTo(LinePlace other) => (Priority, CreatedAtMs).CompareTo((other.Priority, other.CreatedAtMs)) is var order and not 0
        ? order
        : string.CompareOrdinal(WorkflowId, other.WorkflowId);
}
