using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>A long table of workflows that have ended and a few that have not, made by SQL: a database to throw away.</summary>
internal static class ManageRows
{
    // One in twenty failed; twenty names, five versions one after another, ten queues; what is rare lies at the far end.
    private const string Rows = """
        INSERT INTO dbos.workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, created_at, updated_at, started_at_epoch_ms,
            completed_at, executor_id, serialization, recovery_attempts, creator_xid, parent_workflow_id, forked_from, schedule_name, priority)
        SELECT prefix || CASE WHEN g > n - 2000 THEN 'order-' ELSE 'job-' END || lpad(g::text, 8, '0'), s,
               CASE WHEN g > n - 2000 THEN 'rare' ELSE 'workflow ' || g % 20 END, 'benchmarks', 'v' || (g * 5 / n),
               CASE WHEN g > n - 2000 THEN 'rare' WHEN g % 3 = 0 THEN 'q' || g % 10 END, at, at + 50,
               CASE WHEN s NOT IN ('ENQUEUED', 'DELAYED') THEN at + 20 END,
               CASE WHEN s IN ('SUCCESS', 'ERROR', 'CANCELLED') THEN at + 50 END, 'e1', 'dotnet_msgpack', 1, gen_random_uuid()::text,
               CASE WHEN g % 50 = 0 THEN prefix || 'job-' || lpad((g / 5000 * 5000)::text, 8, '0') END,
               CASE WHEN g % 500 = 1 THEN prefix || 'job-' || lpad((g / 50000 * 50000)::text, 8, '0') END,
               CASE WHEN g % 100 = 3 THEN 'nightly' END, 0
          FROM (
            SELECT g, n, prefix, (EXTRACT(epoch FROM now()) * 1000)::bigint - (n - g) AS at,
                   CASE WHEN unended AND g > n - 1000 THEN (ARRAY['ENQUEUED', 'DELAYED', 'PENDING'])[g % 3 + 1]
                        WHEN g % 20 = 7 THEN 'ERROR' WHEN g % 100 = 9 THEN 'CANCELLED' ELSE 'SUCCESS' END AS s
              FROM (SELECT $1::int AS n, $2::text AS prefix, $3::boolean AS unended) AS p, generate_series(1, $1) AS g) AS r
        """;

    private static readonly string[] Payloads =
    [
        "INSERT INTO dbos.workflow_input (workflow_uuid, inputs) SELECT workflow_uuid, 'AQE=' FROM dbos.workflow_status "
            + "WHERE starts_with(workflow_uuid, $1)",
        "INSERT INTO dbos.workflow_output (workflow_uuid, output) SELECT workflow_uuid, 'AQE=' FROM dbos.workflow_status "
            + "WHERE starts_with(workflow_uuid, $1) AND completed_at IS NOT NULL",
        "INSERT INTO dbos.operation_outputs (workflow_uuid, function_id, function_name, output, serialization) "
            + "SELECT workflow_uuid, s, 'step', 'AQE=', 'dotnet_msgpack' FROM dbos.workflow_status, generate_series(0, 1) AS s "
            + "WHERE starts_with(workflow_uuid, $1) AND completed_at IS NOT NULL",
    ];

    /// <summary>Makes so many rows under a prefix, all that belongs to them, and the statistics.</summary>
    public static async Task MakeAsync(Arguments run, int n, string prefix, bool unended)
    {
        await using var connection = new NpgsqlConnection(
            run.Postgres ?? throw new ArgumentException("The rows are made in PostgreSQL: name one with --postgres."));
        await connection.OpenAsync();
        await RunAsync(connection, "SET synchronous_commit = off");
        await RunAsync(connection, Rows, n, prefix, unended);
        foreach (var sql in Payloads)
        {
            await RunAsync(connection, sql, prefix);
        }

        // What was written to make them is on the disk, and does not disturb what is measured next.
        await RunAsync(connection, "VACUUM ANALYZE");
        await RunAsync(connection, "CHECKPOINT");
    }

    /// <summary>Counts by state with nothing around it.</summary>
    public static async Task CountAsync(Arguments run)
    {
        await using var connection = new NpgsqlConnection(run.Postgres);
        await connection.OpenAsync();
        await RunAsync(connection, "SELECT status, count(*) FROM dbos.workflow_status GROUP BY status");
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }
}
