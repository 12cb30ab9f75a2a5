namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteQueueStore(SqliteThreads writer, SqliteThreads readers, TimeProvider time) : IQueueStore
{
    public Task<QueueRegistered> RegisterAsync(QueueRegistration registration, CancellationToken cancellationToken) =>
        writer.RunAsync(session => new SqliteRegistration(session, Now()).Run(registration), cancellationToken);

    public Task<QueueRow?> ReadAsync(string name, CancellationToken cancellationToken) =>
        readers.RunAsync(session => SqliteRegistration.Read(session, name), cancellationToken);

    public async Task<IReadOnlyList<QueueRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadAll(session, applicationName), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyDictionary<string, QueueCount>> CountAsync(
        IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => Count(session, names), cancellationToken).ConfigureAwait(false);

    public Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken) => writer.RunAsync(
        session => Changes(session.Use(QueueSql.SetPaused).Bind("@name", name).Bind("@paused", paused ? 1 : 0)), cancellationToken);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Changes(session.Use(QueueSql.Delete).Bind("@name", name)), cancellationToken);

    public Task<QueueOutlook> ReadOutlookAsync(string applicationName, CancellationToken cancellationToken) =>
        readers.RunAsync(session => ReadOutlook(session, applicationName), cancellationToken);

    public async Task<IReadOnlyList<string>> ReleaseDelayedAsync(
        string applicationName, int limit, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => Release(session, applicationName, limit), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<CommitResult>> StartManyAsync(IReadOnlyList<StartUnit> starts, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => StartMany(session, starts), cancellationToken).ConfigureAwait(false);

    public Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken) => writer.RunAsync(
        session => Changes(session.Use(QueueSql.SetPriority)
            .Bind("@workflow_uuid", workflowId)
            .Bind("@priority", priority)
            .Bind("@now", Now())),
        cancellationToken);

    public Task<bool> SetDelayAsync(string workflowId, DelayEnd end, CancellationToken cancellationToken) => writer.RunAsync(
        session => Changes(session.Use(QueueSql.SetDelay)
            .Bind("@workflow_uuid", workflowId)
            .Bind("@delay_until", end.UntilMs ?? (Now() + end.DelayMs))
            .Bind("@now", Now())),
        cancellationToken);

    private static bool Changes(SqliteStatement bound)
    {
        using var statement = bound;
        return statement.Execute() > 0;
    }

    private static List<QueueRow> ReadAll(SqliteSession session, string? applicationName)
    {
        using var statement = session.Use(QueueSql.ReadAll).Bind("@application_name", applicationName);
        var rows = new List<QueueRow>();
        while (statement.Step())
        {
            if (SqliteQueueRow.Read(statement) is { } row)
            {
                rows.Add(row);
            }
        }

        // SQLite compares UTF-8 bytes, which orders surrogates differently.
        rows.Sort(static (one, other) => string.CompareOrdinal(one.Queue.Name, other.Queue.Name));
        return rows;
    }

    private static Dictionary<string, QueueCount> Count(SqliteSession session, IReadOnlyList<string> names)
    {
        using var statement = session.Use(QueueSql.Count).Bind("@names", SqliteLists.Of(names));
        var counts = new Dictionary<string, QueueCount>(StringComparer.Ordinal);
        while (statement.Step())
        {
            if (new QueueCount(statement.Int64(1), statement.Int64(2)) is var count && count != default)
            {
                counts[statement.Text(0)] = count;
            }
        }

        return counts;
    }

    private QueueOutlook ReadOutlook(SqliteSession session, string applicationName)
    {
        var now = Now();
        using var waiting = session.Use(QueueSql.ReadWaiting).Bind("@application_name", applicationName);
        using var delayed = session.Use(QueueSql.ReadNextDelayed).Bind("@application_name", applicationName);
        using var expired = session.Use(WorkflowSql.ReadExpired)
            .Bind("@application_name", applicationName)
            .Bind("@now", now)
            .Bind("@limit", 1);
        delayed.Step();
        return new QueueOutlook(
            ReadAll(session, applicationName),
            SqliteRows.ReadIds(waiting),
            delayed.Int64OrNull(0),
            SqliteClaimStore.ReadOutlook(session, applicationName, long.MinValue),
            expired.Step(),
            now);
    }

    private List<string> Release(SqliteSession session, string applicationName, int limit)
    {
        List<string> due;
        using (var find = session.Use(QueueSql.FindDelayed)
            .Bind("@application_name", applicationName)
            .Bind("@now", Now())
            .Bind("@limit", limit))
        {
            due = SqliteRows.ReadIds(find);
        }

        var queues = new List<string>(due.Count);
        foreach (var id in due)
        {
            using var release = session.Use(QueueSql.Release).Bind("@workflow_uuid", id).Bind("@now", Now());
            queues.AddRange(SqliteRows.ReadIds(release));
        }

        return queues;
    }

    private CommitResult[] StartMany(SqliteSession session, IReadOnlyList<StartUnit> starts)
    {
        var writing = new SqliteCommit(session, Now());
        var results = new CommitResult[starts.Count];
        session.Execute(TransactionSql.SetSavepoint);
        for (var index = 0; index < results.Length; index++)
        {
            results[index] = writing.Write(starts[index]);
        }

        if (results.Any(result => result.Status is not (CommitStatus.Written or CommitStatus.Attached)))
        {
            session.Execute(TransactionSql.RollBackToSavepoint);
            TakeBack(writing, starts, results);
        }

        session.Execute(TransactionSql.ReleaseSavepoint);
        return results;
    }

    // Rows that this call wrote are rolled back; rows that existed before remain.
    private static void TakeBack(SqliteCommit writing, IReadOnlyList<StartUnit> starts, CommitResult[] results)
    {
        for (var index = 0; index < results.Length; index++)
        {
            if (results[index].Status is CommitStatus.Written or CommitStatus.Attached)
            {
                results[index] = writing.ReadExisting(starts[index]) ?? CommitResult.Busy;
            }
        }
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
