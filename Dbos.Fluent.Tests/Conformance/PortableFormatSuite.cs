using System.Text.Json;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows whose payloads every DBOS library reads, as they stand in the tables.</summary>
public abstract class PortableFormatSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly StartOptions Portable = new() { Id = "A", Format = PayloadFormat.PortableJson };

    [Fact]
    public async Task Input_is_an_envelope_and_output_is_bare_json()
    {
        var workflow = Workflow.Define<Order, Order>("order", Body);
        var engine = await LaunchAsync(workflow);
        var result = await (await engine.StartAsync(workflow, new Order("pens", 3), Portable, Cancel)).ResultAsync();

        Assert.Equal(new Order("pens", 4), result);
        Assert.Equal(
            [["portable_json", """{"positionalArgs":[{"Item":"pens","Count":3}],"namedArgs":{}}""", """{"Item":"pens","Count":4}""", null]],
            await RowAsync());
        Assert.Equal(new Order("pens", 4), await engine.Retrieve<Order>("A").ResultAsync());

        static async IAsyncEnumerable<StepOr<Order>> Body(Order input, WorkflowContext workflow)
        {
            yield return Step.Run("more", async _ => input with { Count = input.Count + 1 }).As(out var more);
            yield return more.Result;
        }
    }

    [Fact]
    public async Task Steps_are_stored_in_the_exact_format_all_the_same()
    {
        var workflow = Workflow.Define<int, decimal>("exact", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(1.10m, await (await engine.StartAsync(workflow, 1, Portable, Cancel)).ResultAsync());
        Assert.Equal([["step", "dotnet_msgpack"]], await Database.QueryAsync("SELECT function_name, serialization FROM operation_outputs"));

        static async IAsyncEnumerable<StepOr<decimal>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async _ => 1.10m).As(out var step);
            yield return step.Result;
        }
    }

    [Fact]
    public async Task Nothing_is_null_and_takes_no_argument()
    {
        var workflow = Workflow.Define<Unit>("nothing", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.StartAsync(workflow, default, Portable, Cancel)).ResultAsync();

        var row = Assert.Single(await RowAsync());

        Assert.Equal("""{"positionalArgs":[],"namedArgs":{}}""", row[1]);
        Assert.Equal(("null", null), (row[2], row[3]));

        static async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield break;
        }
    }

    [Fact]
    public async Task A_failure_has_a_name_and_a_message_that_every_language_reads_and_the_rest_for_dotnet()
    {
        var workflow = Workflow.Define<Unit>("failing", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.StartAsync(workflow, default, Portable, Cancel);
        var here = await handle.FailureAsync();

        using var error = JsonDocument.Parse((await RowAsync())[0][3]!);

        Assert.Equal("OutOfStockException", error.RootElement.GetProperty("name").GetString());
        Assert.Equal("no pens", error.RootElement.GetProperty("message").GetString());
        Assert.True(error.RootElement.GetProperty("data").TryGetProperty("dotnet", out _));
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        engine = await LaunchAsync(workflow);
        var there = await engine.Retrieve<Unit>("A").FailureAsync();
        Assert.Equal((here.TypeName, here.Message, here.StackTrace), (there.TypeName, there.Message, there.StackTrace));
        Assert.True(there.Is<OutOfStockException>());
        Assert.True(there.Is<IOException>());

        static async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", Task (_) => throw new OutOfStockException("no pens", new IOException("file")));
        }
    }

    [Fact]
    public async Task A_workflow_that_somebody_else_enqueued_is_run_and_answers_in_the_portable_format()
    {
        var workflow = Workflow.Define<Order, string>("order", Body);
        var engine = await LaunchAsync(workflow);
        await Database.ExecuteAsync(
            """
            INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp)
            VALUES ('A', '{"positionalArgs": ["pens"], "namedArgs": {"Count": 3}}', 1);
            INSERT INTO workflow_status
                (workflow_uuid, status, name, queue_name, priority, recovery_attempts, created_at, updated_at, serialization, application_name)
            VALUES ('A', 'ENQUEUED', 'order', '_dbos_internal_queue', 0, 0, 1, 1, 'portable_json', 'tests');
            """);

        Assert.Equal("3 pens", await engine.Retrieve<string>("A").ResultAsync());
        Assert.Equal("\"3 pens\"", (await RowAsync())[0][2]);

        static async IAsyncEnumerable<StepOr<string>> Body(Order input, WorkflowContext workflow)
        {
            yield return $"{input.Count} {input.Item}";
        }
    }

    [Fact]
    public async Task A_failure_that_another_language_wrote_is_seen_by_its_simple_name()
    {
        var workflow = Workflow.Define<Unit>("failing", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.StartAsync(workflow, default, Portable, Cancel)).FailureAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.ExecuteAsync(
            """UPDATE workflow_output SET error = '{"name":"OutOfStockException","message":"no pens","code":17,"data":{"left":0}}'""");
        engine = await LaunchAsync(workflow);

        var failure = await engine.Retrieve<Unit>("A").FailureAsync();

        Assert.Equal(("OutOfStockException", "no pens"), (failure.TypeName, failure.Message));
        Assert.Equal(17L, Convert.ToInt64(failure.Code));
        Assert.Equal("""{"left":0}""", failure.Data);
        Assert.True(failure.Is<OutOfStockException>());

        static async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", Task (_) => throw new OutOfStockException("no pens", null));
        }
    }

    private Task<List<string?[]>> RowAsync() => Database.QueryAsync(
        """
        SELECT w.serialization, i.inputs, o.output, o.error
          FROM workflow_status w
          JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
          JOIN workflow_output o ON o.workflow_uuid = w.workflow_uuid
        """);

    private sealed record Order(string Item, int Count);

    private sealed class OutOfStockException(string message, Exception? inner) : Exception(message, inner);
}
