namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Finds the partitions of a queue with waiting workflows, from a given partition once round. It reads a few at a time, as the claim
/// changes the rows in between.
/// </summary>
internal sealed class PartitionSweep(SqliteSession session, WorkflowQueue queue, string applicationName, string startsBehind, int kinds)
{
    // How many partitions one claim looks at, as it holds the file's write lock during that time. Each of them costs a lookup for each kind
    // of rows, so with many kinds it looks at fewer.
    private const int PartitionsMax = 8192;
    private const int PartitionsMin = 64;

    private const int BatchMin = 16;
    private const int BatchMax = 512;

    private readonly Queue<(string Partition, long Running)> found = new();
    private readonly string start = startsBehind;
    private readonly int reach = Math.Max(PartitionsMax / Math.Max(kinds, 1), PartitionsMin);
    private string after = startsBehind;
    private bool wrapped = startsBehind.Length == 0;
    private bool readAll;
    private int looked;

    /// <summary>True once every partition was looked at.</summary>
    public bool Ended => readAll && found.Count == 0;

    public bool ReachedItsBound => looked >= reach && !Ended;

    /// <summary>The next partition, and how many of its workflows run.</summary>
    /// <param name="wanted">How many more workflows the claim wants; this sets how far it reads ahead.</param>
    public (string Partition, long Running)? Next(int wanted)
    {
        if (looked >= reach)
        {
            return null;
        }

        while (found.Count == 0 && !readAll)
        {
            Read(Math.Clamp(wanted, BatchMin, BatchMax));
        }

        if (!found.TryDequeue(out var next))
        {
            return null;
        }

        looked++;
        return next;
    }

    private void Read(int limit)
    {
        using var statement = session.Use(LineSql.ReadPartitions)
            .Bind("@queue_name", queue.Name)
            .Bind("@application_name", applicationName)
            .Bind("@after", after)
            .Bind("@until", wrapped && start.Length > 0 ? start : null)
            .Bind("@running_max", queue.PartitionConcurrency ?? 0)
            .Bind("@limit", limit);
        var count = 0;
        for (; statement.Step(); count++)
        {
            after = statement.Text(0);
            found.Enqueue((after, statement.Int64(1)));
        }

        if (count < limit)
        {
            (after, readAll, wrapped) = ("", wrapped, true);
        }
    }
}
