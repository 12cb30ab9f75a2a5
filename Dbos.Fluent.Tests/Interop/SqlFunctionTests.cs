using System.Diagnostics;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;
using NpgsqlTypes;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>Programs without any SDK start workflows and send to them by the SQL functions of the database.</summary>
public sealed class SqlFunctionTests(SharedPostgres server) : EngineSuite(new PostgresDatabases(server))
{
    private static readonly WorkflowQueue Queue = new("sql");

    // Prices an order and waits for somebody to approve it.
    private static readonly WorkflowDefinition<Order, string> Orders = Workflow.Define<Order, string>("orders", OrdersBody);

    // Takes two arguments, as a function of another language would.
    private static readonly WorkflowDefinition<(string Word, int Times), string> Repeat =
        Workflow.Define<(string Word, int Times), string>("repeat", RepeatBody);

    [Fact]
    public async Task A_workflow_is_started_with_positional_or_named_arguments_and_hears_messages()
    {
        var engine = await LaunchAsync(options => options.Add(Queue), Orders, Repeat);
        await CallAsync("SELECT dbos.enqueue_workflow('orders', 'sql', $1, workflow_id => 'one')", Json("""{"Item":"tea","Count":2}"""));
        await CallAsync("SELECT dbos.enqueue_workflow('orders', 'sql', $1, workflow_id => 'many')", Json("\"jam\"", "3"));
        await CallAsync(
            """
            SELECT dbos.enqueue_workflow(
                queue_name => 'sql', workflow_name => 'orders', workflow_id => 'named', named_args => '{"Count": 4, "Item": "rye"}')
            """);
        await CallAsync("SELECT dbos.enqueue_workflow('repeat', 'sql', $1, workflow_id => 'tuple')", Json("\"ha\"", "3"));

        foreach (var id in (string[])["one", "many", "named"])
        {
            // The one with the id is sent once, though it is sent twice.
            await CallAsync($"SELECT dbos.send_message('{id}', '5', message_id => '{id}-more')");
            await CallAsync($"SELECT dbos.send_message('{id}', '5', message_id => '{id}-more')");
            await CallAsync($"SELECT dbos.send_message('{id}', '6')");
            await CallAsync(
                $$"""SELECT dbos.send_message(topic => 'approval', message => '{"by":"Zoë 😀"}', destination_id => '{{id}}')""");
        }

        Assert.Equal("2 tea for 11, said Zoë 😀", await engine.ResultAsync<string>("one"));
        Assert.Equal("3 jam for 11, said Zoë 😀", await engine.ResultAsync<string>("many"));
        Assert.Equal("4 rye for 11, said Zoë 😀", await engine.ResultAsync<string>("named"));
        Assert.Equal("hahaha", await engine.ResultAsync<string>("tuple"));
    }

    // As of another SDK: no word of it goes out, and the look of each second does not wait for any poll.
    [Fact]
    public async Task A_start_that_is_announced_to_nobody_is_found_long_before_the_next_poll()
    {
        var engine = await LaunchAsync(options => options.Add(Queue).PollInterval = TimeSpan.FromHours(1), Repeat);

        await CallAsync("SELECT dbos.enqueue_workflow('repeat', 'sql', $1, workflow_id => 'found')", Json("\"ha\"", "2"));

        Assert.Equal("haha", await engine.ResultAsync<string>("found"));
    }

    [Fact]
    public async Task What_is_said_of_a_start_holds()
    {
        var engine = await LaunchAsync(options => options.Add(Queue, new WorkflowQueue("later")).ListenTo = ["sql"], Orders, Repeat);
        await CallAsync(
            """
            SELECT dbos.enqueue_workflow(
                'repeat', 'later', ARRAY['"a"', '1']::json[], workflow_id => 'waits', priority => 9, deduplication_id => 'd',
                timeout_ms => 60000, application_name => 'tests', app_version => 'v1')
            """);
        await CallAsync(
            "SELECT dbos.enqueue_workflow('repeat', 'sql', $1, workflow_id => 'theirs', application_name => 'others')", Json("\"a\"", "1"));
        await CallAsync(
            """
            SELECT dbos.enqueue_workflow('repeat', 'sql', $1, workflow_id => 'delayed',
                delay_until_epoch_ms => (extract(epoch FROM now()) * 1000)::bigint + 200)
            """,
            Json("\"b\"", "2"));

        var duplicate = await Assert.ThrowsAsync<PostgresException>(
            () => CallAsync("SELECT dbos.enqueue_workflow('repeat', 'later', workflow_id => 'twin', deduplication_id => 'd')"));
        var lost = await Assert.ThrowsAsync<PostgresException>(() => CallAsync("SELECT dbos.send_message('nobody', '1')"));

        Assert.Equal((PostgresErrorCodes.UniqueViolation, "DBOS queue duplicated"), (duplicate.SqlState, duplicate.MessageText));
        Assert.Equal((PostgresErrorCodes.ForeignKeyViolation, "DBOS non-existent workflow"), (lost.SqlState, lost.MessageText));
        Assert.Equal("bb", await engine.ResultAsync<string>("delayed"));
        var status = (await engine.GetStatusAsync("waits", Cancel))!;
        Assert.Equal(
            (WorkflowState.Enqueued, "later", 9, "d", TimeSpan.FromMinutes(1), "tests", "v1"),
            (status.State, status.Queue, status.Priority, status.DeduplicationId, status.Timeout, status.ApplicationName,
                status.ApplicationVersion));
        Assert.Equal("""{"positionalArgs" : ["a",1], "namedArgs" : {}}""", status.Input);

        // Another application's, though it was first in the queue that is served here.
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync("theirs"));
    }

    [Fact]
    public async Task The_command_line_of_PostgreSQL_is_enough()
    {
        var engine = await LaunchAsync(options => options.Add(Queue), Orders);

        var printed = await PsqlAsync(
            """
            SELECT dbos.enqueue_workflow('orders', 'sql', ARRAY['{"Item":"tea","Count":1}'::json], workflow_id => 'psql');
            SELECT dbos.send_message('psql', '1');
            SELECT dbos.send_message('psql', '2');
            SELECT dbos.send_message('psql', '{"by":"me"}', 'approval');
            """);

        Assert.Equal("psql", printed.Trim());
        Assert.Equal("1 tea for 3, said me", await engine.ResultAsync<string>("psql"));
    }

    private async Task CallAsync(string sql, params NpgsqlParameter[] parameters)
    {
        await using var connection = await Database.ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static NpgsqlParameter Json(params string[] values) =>
        new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Json };

    private async Task<string> PsqlAsync(string script)
    {
        var bin = PostgresInstallation.Find()?.Bin;
        var beside = bin is null ? "psql" : Path.Combine(bin, "psql");
        var to = new NpgsqlConnectionStringBuilder(((PostgresTestDatabase)Database).ConnectionString);
        var start = new ProcessStartInfo(File.Exists(beside) ? beside : "psql")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "-XqtA", "-v", "ON_ERROR_STOP=1" },
            Environment =
            {
                ["PGHOST"] = to.Host,
                ["PGPORT"] = $"{to.Port}",
                ["PGUSER"] = to.Username,
                ["PGPASSWORD"] = to.Password ?? "",
                ["PGDATABASE"] = to.Database,
                ["PGCLIENTENCODING"] = "UTF8",
            },
        };
        using var psql = Process.Start(start)!;
        var (output, errors) = (psql.StandardOutput.ReadToEndAsync(Cancel), psql.StandardError.ReadToEndAsync(Cancel));
        await psql.StandardInput.WriteAsync(script);
        psql.StandardInput.Close();
        await psql.WaitForExitAsync(Cancel).Within(Bounded.Limit);
        Assert.Equal("", await errors);
        return await output;
    }

    private static async IAsyncEnumerable<StepOr<string>> OrdersBody(Order order, WorkflowContext workflow)
    {
        yield return Step.Receive<int>().As(out var first);
        yield return Step.Receive<int>().As(out var second);
        yield return Step.Receive<Approval>("approval").As(out var approval);
        yield return $"{order.Count} {order.Item} for {first.Result + second.Result}, said {approval.Result.By}";
    }

    private static async IAsyncEnumerable<StepOr<string>> RepeatBody((string Word, int Times) input, WorkflowContext workflow)
    {
        yield return string.Concat(Enumerable.Repeat(input.Word, input.Times));
    }

    private sealed record Order(string Item, int Count);

    private sealed record Approval([property: System.Text.Json.Serialization.JsonPropertyName("by")] string By);
}
