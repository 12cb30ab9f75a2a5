using Npgsql;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>What stands in the database when all is over.</summary>
internal sealed record ChaosRows(
    IReadOnlyDictionary<string, ChaosWorkflowRow> Workflows,
    ILookup<(string WorkflowId, string Step), long> Checkpoints,
    IReadOnlyDictionary<string, (long Sent, long Consumed)> Messages,
    IReadOnlyDictionary<string, long> StreamRows,
    IReadOnlyDictionary<string, long> EventRows,
    long Waits)
{
    /// <summary>How many workflows have ended, well or not.</summary>
    public static async Task<long> CountEndedAsync(string connectionString, CancellationToken cancellationToken)
    {
        var counts = await QueryAsync(
            connectionString,
            "SELECT count(*) FROM dbos.workflow_status WHERE status NOT IN ('PENDING', 'ENQUEUED', 'DELAYED')",
            row => row.GetInt64(0),
            cancellationToken);
        return counts[0];
    }

    /// <summary>How many workflows of a queue run at one moment.</summary>
    public static async Task<long> CountQueuedRunningAsync(string connectionString, string queue, CancellationToken cancellationToken)
    {
        var counts = await QueryAsync(
            connectionString,
            $"SELECT count(*) FROM dbos.workflow_status WHERE queue_name = '{queue}' AND status = 'PENDING'",
            row => row.GetInt64(0),
            cancellationToken);
        return counts[0];
    }

    public static async Task<ChaosRows> ReadAsync(string connectionString, CancellationToken cancellationToken)
    {
        var workflows = await QueryAsync(
            connectionString,
            """
            SELECT w.workflow_uuid, w.status, COALESCE(o.output, w.output), COALESCE(o.error, w.error), w.serialization, w.owner_xid,
                   w.parent_workflow_id, w.executor_id, w.recovery_attempts
              FROM dbos.workflow_status AS w LEFT JOIN dbos.workflow_output AS o ON o.workflow_uuid = w.workflow_uuid
            """,
            row => new ChaosWorkflowRow(
                row.GetString(0), row.GetString(1), Text(row, 2), Text(row, 3), Text(row, 4), Text(row, 5), Text(row, 6), Text(row, 7),
                row.GetInt64(8)),
            cancellationToken);
        var checkpoints = await QueryAsync(
            connectionString,
            "SELECT workflow_uuid, function_name, (EXTRACT(epoch FROM noted_at) * 1000000)::bigint FROM dbos.operation_outputs",
            row => (Key: (row.GetString(0), row.GetString(1)), At: row.GetInt64(2)),
            cancellationToken);
        var messages = await QueryAsync(
            connectionString,
            "SELECT destination_uuid, count(*), count(*) FILTER (WHERE consumed) FROM dbos.notifications GROUP BY 1",
            row => (Id: row.GetString(0), Counts: (row.GetInt64(1), row.GetInt64(2))),
            cancellationToken);
        var waits = await QueryAsync(
            connectionString, "SELECT count(*) FROM dbos.fluent_waits", row => row.GetInt64(0), cancellationToken);
        return new ChaosRows(
            workflows.ToDictionary(workflow => workflow.Id),
            checkpoints.ToLookup(checkpoint => checkpoint.Key, checkpoint => checkpoint.At),
            messages.ToDictionary(message => message.Id, message => message.Counts),
            await CountByWorkflowAsync("streams"),
            await CountByWorkflowAsync("workflow_events_history"),
            waits[0]);

        async Task<IReadOnlyDictionary<string, long>> CountByWorkflowAsync(string table) => (await QueryAsync(
            connectionString,
            $"SELECT workflow_uuid, count(*) FROM dbos.{table} GROUP BY 1",
            row => (Id: row.GetString(0), Count: row.GetInt64(1)),
            cancellationToken)).ToDictionary(count => count.Id, count => count.Count);
    }

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static async Task<List<T>> QueryAsync<T>(
        string connectionString, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var unpooled = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString;
        await using var connection = new NpgsqlConnection(unpooled);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}

/// <summary>A row of <c>workflow_status</c>, with the outcome.</summary>
internal sealed record ChaosWorkflowRow(
    string Id,
    string Status,
    string? Output,
    string? Error,
    string? Format,
    string? Owner,
    string? Parent,
    string? Executor,
    long Attempts);
