using Dbos.Fluent.Storage;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A writer that stands still before it commits, as a try does that was given up.</summary>
internal sealed class NpgsqlParking(PostgresBed bed) : IAsyncDisposable
{
    private readonly NpgsqlConnection connection = new(
        new NpgsqlConnectionStringBuilder(bed.ConnectionString) { SearchPath = PostgresStores.Schema, Pooling = false }.ConnectionString);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Parks a workflow in a transaction that stays open.</summary>
    public Task ParkAsync(Ownership owner) => BeginAsync(
        """
        UPDATE workflow_status SET status = 'DELAYED', owner_xid = NULL WHERE workflow_uuid = $1 AND owner_xid = $2;
        """,
        """
        INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
        VALUES ($1, 0, 0, 'time', '', '', '', 1, $2)
        """,
        owner);

    /// <summary>Takes a message as step 0 of a workflow, in a transaction that stays open.</summary>
    public Task ReceiveAsync(Ownership owner) => BeginAsync(
        """
        WITH owned AS (SELECT 1 FROM workflow_status WHERE workflow_uuid = $1 AND owner_xid = $2 FOR NO KEY UPDATE)
        UPDATE notifications SET consumed = true, consumed_by_function_id = 0 WHERE destination_uuid = $1 AND EXISTS (SELECT FROM owned)
        """,
        """
        INSERT INTO operation_outputs
               (workflow_uuid, function_id, function_name, output, serialization, started_at_epoch_ms, completed_at_epoch_ms)
        SELECT $1, 0, 'DBOS.recv', message, serialization, 1000, 2000
          FROM notifications WHERE destination_uuid = $1 AND $2::text IS NOT NULL
        """,
        owner);

    /// <summary>Returns once another connection waits for a lock of this one.</summary>
    public Task UntilSomebodyWaitsAsync() => BlockedByAsync(connection.ConnectionString, connection.ProcessID);

    /// <summary>Returns once a connection waits for a lock of this server process.</summary>
    public static async Task BlockedByAsync(string connectionString, int processId)
    {
        await using var watching = new NpgsqlConnection(connectionString);
        await watching.OpenAsync(Cancel);
        var end = TimeProvider.System.GetTimestamp();
        await using var command = new NpgsqlCommand(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))), pg_sleep(0.01)", watching);
        command.Parameters.Add(new NpgsqlParameter { Value = processId });
        while (await command.ExecuteScalarAsync(Cancel) is not true)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(end) < Bounded.Limit, "Nobody came to wait for the lock.");
        }
    }

    /// <summary>
    /// Returns once so many connections to the database wait for locks; they are then served in the order in which they came.
    /// </summary>
    public static async Task WaitersAsync(string connectionString, int count)
    {
        await using var watching = new NpgsqlConnection(connectionString);
        await watching.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", watching);
        await Eventually.TrueAsync(
            async () => (long)(await command.ExecuteScalarAsync(Cancel))! >= count, Bounded.Limit, $"{count} wait for locks");
    }

    public async Task CommitAsync()
    {
        await using var command = new NpgsqlCommand("COMMIT", connection);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task BeginAsync(string first, string second, Ownership owner)
    {
        await connection.OpenAsync(Cancel);
        foreach (var (sql, parameters) in new[] { ("BEGIN", 0), (first.TrimEnd().TrimEnd(';'), 2), (second, 2) })
        {
            await using var command = new NpgsqlCommand(sql, connection);
            if (parameters > 0)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = owner.WorkflowId });
                command.Parameters.Add(new NpgsqlParameter { Value = owner.Token });
            }

            await command.ExecuteNonQueryAsync(Cancel);
        }
    }
}
