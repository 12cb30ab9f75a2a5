using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Waiting workflows made by SQL, and claimed ones that end: a database to throw away.</summary>
internal sealed class ClaimRows(Arguments run) : IAsyncDisposable
{
    /// <summary>Over how many partitions the rows of a partitioned queue are spread.</summary>
    private const int Partitions = 500;

    private const string Insert = """
        INSERT INTO dbos.workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, priority, created_at,
            updated_at, serialization, recovery_attempts, creator_xid)
        SELECT gen_random_uuid(), 'ENQUEUED', 'single', 'benchmarks', $5, $1, CASE WHEN $2 THEN 'p' || g % $3 END, 0,
               (EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint, 0, 'dotnet_msgpack', 0, gen_random_uuid()
          FROM generate_series(1, $4) AS g
        """;

    private const string End = """
        UPDATE dbos.workflow_status
           SET status = 'SUCCESS', completed_at = (EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint, owner_xid = NULL
         WHERE queue_name = $1 AND status = 'PENDING'
        """;

    private readonly NpgsqlConnection connection = new(
        run.Postgres ?? throw new ArgumentException("The rows are made in PostgreSQL: name one with --postgres."));

    public async Task OpenAsync()
    {
        await connection.OpenAsync();
        await ExecuteAsync("SET synchronous_commit = off");
    }

    /// <summary>Enqueues so many more in a queue, of the version that claims or of another one.</summary>
    public Task EnqueueAsync(WorkflowQueue queue, int count, bool ofAnother = false) =>
        ExecuteAsync(Insert, queue.Name, queue.IsPartitioned, Partitions, count, ofAnother ? "another" : "1");

    /// <summary>Ends what is claimed, and puts as many behind the line: as many wait as before.</summary>
    public async Task TurnOverAsync(WorkflowQueue queue, int count)
    {
        await ExecuteAsync(End, queue.Name);
        await EnqueueAsync(queue, count);
    }

    /// <summary>Updates the statistics and writes a checkpoint, so that neither disturbs what is measured next.</summary>
    public async Task SettleAsync()
    {
        await ExecuteAsync("VACUUM ANALYZE dbos.workflow_status");
        await ExecuteAsync("CHECKPOINT");
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }
}
