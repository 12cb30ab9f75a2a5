using System.Text.Json;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Interop.InteropBed;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>The <c>DBOSClient</c> of the TypeScript SDK drives workflows of an engine here.</summary>
public sealed class TypeScriptClientTests(InteropBed bed) : IClassFixture<InteropBed>, IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private WorkflowEngine Engine => bed.Engine!;

    private NodeProgram Peer => bed.Node!;

    public async ValueTask InitializeAsync()
    {
        await bed.CreateAsync();
        bed.Engine ??= await bed.LaunchAsync(options => options.Add(ServedWorkflows.All));
        bed.Node ??= await bed.ConnectNodeAsync(Dotnet);
    }

    public ValueTask DisposeAsync() => default;

    [Fact]
    public async Task Arguments_arrive_by_place_and_by_name_and_the_result_comes_back()
    {
        await EnqueueAsync("by place", "total", ["pens", 3, 1.5]);
        await EnqueueAsync("by name", "total", [], new { price = "1.50", sku = "pens", quantity = 3, note = "soon" });
        await EnqueueAsync("by both", "total", ["pens"], new { quantity = 3, price = 1 });
        await EnqueueAsync("as one", "total", [new { sku = "pens", quantity = 3, price = 1.5 }]);

        Assert.Equal("""{"sku":"pens","total":"4.5","note":null}""", await ResultAsync("by place"));
        Assert.Equal("""{"sku":"pens","total":"4.50","note":"soon"}""", await ResultAsync("by name"));
        Assert.Equal("""{"sku":"pens","total":"3","note":null}""", await ResultAsync("by both"));
        Assert.Equal("""{"sku":"pens","total":"4.5","note":null}""", await ResultAsync("as one"));
        var status = (await Engine.GetStatusAsync("by place", Cancel))!;
        Assert.Equal((Dotnet, DotnetVersion, DotnetQueue), (status.ApplicationName, status.ApplicationVersion, status.Queue));
    }

    [Fact]
    public async Task A_failure_is_a_portable_error_with_name_message_code_and_data()
    {
        await EnqueueAsync("refused", "refuse", ["no pens"]);

        var error = await Peer.FailureAsync("result", "refused");

        Assert.Equal(("OutOfStockException", "refused: no pens", "\"E42\""), (error.Name, error.Text, error.Code));
        var data = JsonElement.Parse(error.Json!);
        Assert.Equal(("no pens", 0), (data.GetProperty("reason").GetString(), data.GetProperty("left").GetInt32()));
        Assert.Equal(typeof(OutOfStockException).FullName, data.GetProperty("dotnet").GetProperty("type").GetString());
    }

    [Fact]
    public async Task An_error_of_the_library_has_its_code_and_its_facts()
    {
        await EnqueueAsync("unreadable", "total", ["pens", "many", 1]);

        var error = await Peer.FailureAsync("result", "unreadable");

        Assert.Equal((nameof(SerializationFailedException), "\"DBOS1005\""), (error.Name, error.Code));
        Assert.Contains("Quantity", error.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Messages_arrive_once_for_each_key_and_events_and_streams_are_read()
    {
        await EnqueueAsync("talk", "converse", ["pens"]);
        Assert.Equal("""{"hello":"pens"}""", await CallAsync("event", "talk", "greeting"));

        await Peer.CallAsync("send", "talk", "yes", "approval", "key-1");
        await Peer.CallAsync("send", "talk", "yes", "approval", "key-1");
        await Peer.CallAsync("send", "talk", 7);

        Assert.Equal("""[{"done":1},{"done":2},{"done":3}]""", await CallAsync("stream", "talk", "progress"));
        Assert.Equal("\"yes 7 False\"", await ResultAsync("talk"));
        var nobody = await Peer.FailureAsync("send", "nobody", "yes", "approval");
        Assert.Contains("non-existent", nobody.Text);
    }

    [Fact]
    public async Task A_message_in_the_format_of_typescript_alone_fails_the_receiver_and_says_why()
    {
        await EnqueueAsync("native", "converse", ["pens"]);
        await Peer.CallAsync("sendNative", "native", new { from = "typescript" }, "approval");

        var error = await Peer.FailureAsync("result", "native");

        Assert.Equal(nameof(SerializationFailedException), error.Name);
        Assert.Contains("js_superjson", error.Text);
        Assert.Contains("portable_json", error.Text);
    }

    [Fact]
    public async Task A_workflow_is_cancelled_resumed_and_finishes()
    {
        await EnqueueAsync("stopped", "gated", []);
        await BeforeAsync("stopped");

        await Peer.CallAsync("client", "cancelWorkflow", "stopped");
        var cancelled = await Peer.FailureAsync("result", "stopped");
        Assert.Contains("cancelled", cancelled.Text);
        Assert.Equal(CancellationReason.Cancelled, await Engine.Retrieve<string>("stopped").CancellationAsync());
        await Peer.CallAsync("client", "resumeWorkflow", "stopped");
        await Peer.CallAsync("send", "stopped", "now", "go");

        Assert.Equal("\"before now after\"", await ResultAsync("stopped"));
        Assert.Equal("0 before, 1 DBOS.recv, 3 after", await Engine.StepsAsync("stopped"));
    }

    [Fact]
    public async Task A_workflow_is_forked_rewound_and_listed_with_its_steps()
    {
        await EnqueueAsync("source", "gated", []);
        await Peer.CallAsync("send", "source", "first", "go");
        Assert.Equal("\"before first after\"", await ResultAsync("source"));

        await Peer.CallAsync("client", "forkWorkflow", "source", 3, new { newWorkflowID = "fork" });
        await Peer.CallAsync("client", "forkWorkflow", "source", 1, new { newWorkflowID = "other fork" });
        await Peer.CallAsync("send", "other fork", "second", "go");
        Assert.Equal("\"before first after\"", await ResultAsync("fork"));
        Assert.Equal("\"before second after\"", await ResultAsync("other fork"));
        await Peer.CallAsync("client", "rewindWorkflow", "source", new { startStep = 1 });
        await Peer.CallAsync("send", "source", "third", "go");
        Assert.Equal("\"before third after\"", await ResultAsync("source"));

        var listed = await ListAsync(new { workflowName = "gated", forkedFrom = "source" });
        Assert.Equal(["fork", "other fork"], listed.Select(workflow => workflow.GetProperty("workflowID").GetString()));
        var fork = Assert.Single(await ListAsync(new { workflowIDs = (string[])["fork"] }));
        Assert.Equal(
            ("SUCCESS", "before first after", Dotnet),
            (Text(fork, "status"), Text(fork, "output"), Text(fork, "applicationName")));
        var steps = await Peer.CallAsync<JsonElement[]>("client", "listWorkflowSteps", "fork");
        Assert.Equal(
            ["0 before", "1 DBOS.recv", "3 after"], steps.Select(step => $"{step.GetProperty("functionID")} {Text(step, "name")}"));
    }

    private static string? Text(JsonElement of, string member) => of.GetProperty(member).GetString();

    private Task<JsonElement[]> ListAsync(object filter) => Peer.CallAsync<JsonElement[]>("client", "listWorkflows", filter);

    private Task EnqueueAsync(string id, string workflow, object?[] positional, object? named = null) =>
        Peer.CallAsync("enqueue", new { workflowID = id, workflowName = workflow, queueName = DotnetQueue }, positional, named);

    private async Task<string> CallAsync(string function, params object?[] arguments) =>
        (await Peer.CallAsync<JsonElement>(function, arguments)).GetRawText();

    private Task<string> ResultAsync(string id) => CallAsync("result", id);

    private Task BeforeAsync(string id) => Eventually.TrueAsync(
        async () => (await Engine.GetHistoryAsync(id, Cancel)).Checkpoints.Count > 0, Bounded.Limit, $"{id} has begun");
}
