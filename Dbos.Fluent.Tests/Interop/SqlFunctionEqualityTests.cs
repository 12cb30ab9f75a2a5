using Npgsql;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>The SQL functions of a database that we made do what those of the published SDK do, argument for argument.</summary>
public sealed class SqlFunctionEqualityTests(SharedPostgres server)
{
    private static readonly string[] Calls =
    [
        "SELECT dbos.enqueue_workflow('w', 'q', workflow_id => 'plain')",
        "SELECT length(dbos.enqueue_workflow('w', 'q'))",
        """
        SELECT dbos.enqueue_workflow('w', 'q', ARRAY['1', '"two"', 'null', '{"a":[1.50,{}]}']::json[], '{"n": "m", "o":null}', 'C', 'c',
            'positional', 'v1', 5000, 99999, 'd', 7, 'p', 'user', '["role"]', 88888, 'app')
        """,
        """
        SELECT dbos.enqueue_workflow(queue_name => 'q', workflow_name => 'w', workflow_id => 'named', named_args => '{"a": 1}',
            app_version => 'v2', timeout_ms => 1, deduplication_id => 'e', priority => 2147483647, application_name => 'other')
        """,
        "SELECT dbos.enqueue_workflow('w', 'q', workflow_id => 'no args', positional_args => NULL, named_args => NULL, priority => NULL)",
        "SELECT dbos.enqueue_workflow('w', 'q', workflow_id => 'delayed', delay_until_epoch_ms => 0)",

        // The same id again moves only updated_at; the same deduplication id is refused, unless the id is the same too.
        "UPDATE dbos.workflow_status SET created_at = 1, updated_at = 1 WHERE workflow_uuid = 'plain'",
        "SELECT dbos.enqueue_workflow('other', 'elsewhere', ARRAY['2'::json], workflow_id => 'plain')",
        "SELECT dbos.enqueue_workflow('w', 'q', workflow_id => 'twin', deduplication_id => 'd')",
        "SELECT dbos.enqueue_workflow('w', 'q', workflow_id => 'positional', deduplication_id => 'd')",
        "SELECT dbos.enqueue_workflow('w', 'another', workflow_id => 'elsewhere', deduplication_id => 'd')",

        "SELECT dbos.enqueue_workflow('', 'q')",
        "SELECT dbos.enqueue_workflow(NULL, 'q')",
        "SELECT dbos.enqueue_workflow('w', '')",
        "SELECT dbos.enqueue_workflow('w', NULL)",
        "SELECT dbos.enqueue_workflow('w', 'q', workflow_id => '')",
        "SELECT dbos.enqueue_workflow('w', 'q', named_args => '[1]')",
        "SELECT dbos.enqueue_workflow('w', 'q', named_args => 'null')",
        "SELECT dbos.enqueue_workflow('w', 'q', delay_until_epoch_ms => -1)",

        "SELECT dbos.send_message('plain', '{\"a\": [1]}', 'topic', 'm1')",
        "SELECT dbos.send_message('plain', '\"again\"', 'topic', 'm1')",
        "SELECT dbos.send_message('plain', 'null')",
        "SELECT dbos.send_message(message => '5', destination_id => 'named', topic => '', message_id => 'm2')",
        "SELECT dbos.send_message('nobody', '1')",
        "SELECT dbos.send_message('plain', NULL)",
    ];

    // Random ids and the moment of the call differ between any two calls.
    private static readonly string[] Stored =
    [
        """
        SELECT jsonb_pretty(to_jsonb(w) - ARRAY['created_at', 'updated_at', 'owner_xid', 'workflow_uuid'] || jsonb_build_object(
                   'id', CASE WHEN length(workflow_uuid) = 36 THEN 'random' ELSE workflow_uuid END,
                   'created', created_at > 1, 'updated', updated_at > 1, 'owner', length(owner_xid)))
          FROM dbos.workflow_status AS w ORDER BY length(workflow_uuid), workflow_uuid
        """,
        """
        SELECT concat_ws('|', CASE WHEN length(workflow_uuid) = 36 THEN 'random' ELSE workflow_uuid END, inputs, retention_timestamp > 1)
          FROM dbos.workflow_input ORDER BY length(workflow_uuid), workflow_uuid
        """,
        "SELECT workflow_uuid FROM dbos.workflow_output",
        """
        SELECT jsonb_pretty(to_jsonb(n) - ARRAY['created_at_epoch_ms', 'message_uuid'] || jsonb_build_object(
                   'id', CASE WHEN length(message_uuid) = 36 THEN 'random' ELSE message_uuid END, 'sent', created_at_epoch_ms > 1))
          FROM dbos.notifications AS n ORDER BY destination_uuid, topic, message
        """,
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_calls_leave_the_same_rows_and_fail_alike()
    {
        var (ours, theirs) = (await server.CreateDatabaseAsync(Cancel), await server.CreateDatabaseAsync(Cancel));
        await using var sdk = SdkProgram.Start();
        await sdk.CallAsync("migrate", new { url = SdkProgram.UrlOf(theirs), schema = "dbos" });
        await using var store = OwnTables.Open(ours);
        await store.Schema.MigrateAsync(Cancel);

        var (done, expected) = (await RunAsync(ours), await RunAsync(theirs));

        Assert.Equal(expected, done);
        Assert.Contains(expected, line => line.Contains("23505: DBOS queue duplicated", StringComparison.Ordinal));
        Assert.Contains(expected, line => line.Contains("23503: DBOS non-existent workflow", StringComparison.Ordinal));
        Assert.Equal(8, expected.Count(line => line.EndsWith(" P0001", StringComparison.Ordinal)));
    }

    private static async Task<List<string>> RunAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        var lines = new List<string>();
        foreach (var statement in (string[])[.. Calls, .. Stored])
        {
            try
            {
                await using var command = source.CreateCommand(statement);
                await using var reader = await command.ExecuteReaderAsync(Cancel);
                while (await reader.ReadAsync(Cancel))
                {
                    lines.Add($"{statement} -> {reader.GetValue(0)}");
                }
            }
            catch (PostgresException refused)
            {
                // What is refused for its arguments is said in words of our own; the two errors that programs look for are the same.
                var words = refused.SqlState == PostgresErrorCodes.RaiseException ? "" : $": {refused.MessageText}";
                lines.Add($"{statement} -> {refused.SqlState}{words}");
            }
        }

        return lines;
    }
}
