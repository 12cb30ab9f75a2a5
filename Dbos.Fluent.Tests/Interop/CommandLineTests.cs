using System.Text.Json;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>DBOS's own command line on workflows of this library.</summary>
public sealed class CommandLineTests(SharedPostgres server) : EngineSuite(new PostgresDatabases(server))
{
    private readonly Counts counts = new();

    protected override bool StartsEmpty => true;

    private DbosCommand Command => new(((PostgresTestDatabase)Database).ConnectionString);

    [Fact]
    public async Task It_shows_portable_workflows_readably_and_others_as_they_are_stored()
    {
        var (orders, engine) = await BeginAsync();
        foreach (var format in Enum.GetValues<PayloadFormat>())
        {
            await engine.StartAsync(orders, new Order("tea", 2), new() { Id = $"{format}", Format = format }, Cancel);
            await engine.SendAsync($"{format}", true, "approval", format: format, cancellationToken: Cancel);
            Assert.Equal("2 tea for 7", await engine.ResultAsync<string>($"{format}"));
        }

        await engine.StartAsync(orders, new Order("none", 0), new() { Id = "failed", Format = PayloadFormat.PortableJson }, Cancel);
        await engine.Retrieve<string>("failed").FailureAsync();

        var shown = await Task.WhenAll(
            Command.WorkflowAsync("list"),
            Command.WorkflowAsync("get", "failed"),
            Command.WorkflowAsync("steps", "PortableJson"),
            Command.WorkflowAsync("steps", "MessagePack"));

        var stored = (await Database.QueryAsync(
            """
            SELECT i.inputs, o.output, (SELECT output FROM operation_outputs WHERE workflow_uuid = i.workflow_uuid AND function_id = 0)
              FROM workflow_input AS i JOIN workflow_output AS o USING (workflow_uuid)
             WHERE workflow_uuid = 'MessagePack'
            """))[0];
        var listed = shown[0].EnumerateArray().ToDictionary(workflow => Text(workflow, "workflowID")!);
        Assert.Equal(3, listed.Count);
        Assert.All(listed.Values, workflow => Assert.Equal(
            ("orders", "tests", "v1", "executor-1"),
            (Text(workflow, "workflowName"), Text(workflow, "applicationName"), Text(workflow, "applicationVersion"),
                Text(workflow, "executorId"))));
        Assert.Equal(
            ("SUCCESS", "[ { Item: 'tea', Count: 2 } ]", "'2 tea for 7'"),
            (Text(listed["PortableJson"], "status"), Text(listed["PortableJson"], "input"), Text(listed["PortableJson"], "output")));
        Assert.Equal(
            ("SUCCESS", $"'{stored[0]}'", $"'{stored[1]}'"),
            (Text(listed["MessagePack"], "status"), Text(listed["MessagePack"], "input"), Text(listed["MessagePack"], "output")));
        Assert.Equal(("ERROR", "[ { Item: 'none', Count: 0 } ]"), (Text(shown[1], "status"), Text(shown[1], "input")));
        Assert.Contains("\"name\":\"ArgumentException\",\"message\":\"Nothing was ordered.\"", Text(shown[1], "error"));
        Assert.Equal(["0 price", "1 DBOS.recv", "2 DBOS.sleep"], shown[2].EnumerateArray().Select(StepLine));
        Assert.Equal(["0 price", "1 DBOS.recv", "2 DBOS.sleep"], shown[3].EnumerateArray().Select(StepLine));
        Assert.Equal("true", Text(shown[2][1], "output"));
        Assert.Equal($"'{stored[2]}'", Text(shown[3][0], "output"));
    }

    [Theory]
    [InlineData(PayloadFormat.PortableJson)]
    [InlineData(PayloadFormat.MessagePack)]
    public async Task Cancel_resume_and_fork_reach_the_engine(PayloadFormat format)
    {
        var (orders, engine) = await BeginAsync();
        var handle = await engine.StartAsync(orders, new Order("tea", 2), new() { Id = "A", Format = format }, Cancel);
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") > 0, Bounded.Limit);

        await Command.WorkflowAsync("cancel", "A");
        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());

        await Command.WorkflowAsync("resume", "A");
        await engine.SendAsync("A", true, "approval", cancellationToken: Cancel);
        await Eventually.TrueAsync(async () => await engine.StateOfAsync("A") == WorkflowState.Success, Bounded.Limit);
        Assert.Equal("2 tea for 7", await engine.ResultAsync<string>("A"));

        await Command.WorkflowAsync("fork", "A", "--step", "1", "--forked-workflow-id", "B");
        await engine.SendAsync("B", false, "approval", cancellationToken: Cancel);

        // What was computed before the fork comes out the same.
        Assert.Equal("refused for 7", await engine.ResultAsync<string>("B"));
        Assert.Equal(1, counts["price"]);
        Assert.Equal(2, ids.Count);
        Assert.Single(ids.Distinct());
        Assert.Equal("A", (await engine.GetStatusAsync("B", Cancel))!.ForkedFrom);
    }

    private readonly System.Collections.Concurrent.ConcurrentBag<Guid> ids = [];

    private async Task<(WorkflowDefinition<Order, string> Orders, WorkflowEngine Engine)> BeginAsync()
    {
        var orders = Workflow.Define<Order, string>("orders", Body);
        return (orders, await LaunchAsync(orders));

        async IAsyncEnumerable<StepOr<string>> Body(Order order, WorkflowContext workflow)
        {
            if (order.Count == 0)
            {
                throw new ArgumentException("Nothing was ordered.");
            }

            var id = workflow.NewGuid();
            yield return Step.Run("price", async _ =>
            {
                counts.Add("price");
                return new Price(3.50m * order.Count, id);
            }).As(out var price);
            yield return Step.Receive<bool>("approval", TimeSpan.FromHours(1)).As(out var approval);
            ids.Add(id);
            yield return $"{(approval.Result.Value ? $"{order.Count} {order.Item}" : "refused")} for {price.Result.Total:0}";
        }
    }

    private static string StepLine(JsonElement step) => $"{step.GetProperty("functionID")} {Text(step, "name")}";

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private sealed record Order(string Item, int Count);

    private sealed record Price(decimal Total, Guid Id);
}
