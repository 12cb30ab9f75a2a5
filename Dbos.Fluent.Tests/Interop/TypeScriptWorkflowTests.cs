using System.Text.Json;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Interop.InteropBed;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>
/// A <see cref="WorkflowClient"/> drives workflows that a process of the TypeScript SDK runs, on a database that the SDK alone has made.
/// </summary>
public sealed class TypeScriptWorkflowTests(InteropBed bed) : IClassFixture<InteropBed>, IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private WorkflowClient Client => bed.Client!;

    private NodeProgram Peer => bed.Node!;

    public async ValueTask InitializeAsync()
    {
        await bed.CreateAsync();
        bed.Node ??= await bed.LaunchNodeAsync();
        bed.Client ??= await bed.ConnectAsync(TypeScript);
    }

    public ValueTask DisposeAsync() => default;

    [Fact]
    public async Task Positional_arguments_arrive_in_order_and_named_ones_are_passed_over()
    {
        var byPlace = await Client.EnqueueAsync<TypeScriptTotal>("total", ["pens", 3, 1.5], In("by place"), Cancel);
        var byBoth = await Client.EnqueueAsync<TypeScriptTotal>(
            "total", ["pens", 3], new Dictionary<string, object?> { ["price"] = 1.5 }, In("by both"), Cancel);
        var declared = Workflow.Declare<(string, int, double), TypeScriptTotal>("total", PayloadFormat.PortableJson);
        var asTuple = await Client.StartAsync(declared, ("pens", 3, 1.5), In("as tuple"), Cancel);

        Assert.Equal(new TypeScriptTotal("pens", 3, 4.5, 3), await byPlace.ResultAsync());
        Assert.Equal(new TypeScriptTotal("pens", 3, null, 2), await byBoth.ResultAsync());
        Assert.Equal(new TypeScriptTotal("pens", 3, 4.5, 3), await asTuple.ResultAsync());
        var rows = await bed.QueryAsync("SELECT inputs FROM workflow_input WHERE workflow_uuid = 'by both'");
        Assert.Equal("""{"positionalArgs":["pens",3],"namedArgs":{"price":1.5}}""", rows[0][0]);
    }

    [Fact]
    public async Task An_error_is_an_exception_with_its_name_message_code_and_data()
    {
        var handle = await Client.EnqueueAsync<int>("refuse", ["no pens"], In("refused"), Cancel);

        var failure = await handle.FailureAsync();

        Assert.Equal(("RangeError", "refused: no pens", "E42"), (failure.TypeName, failure.Message, failure.Code));
        Assert.Equal("""{"reason":"no pens","left":0}""", failure.Data);
        Assert.Equal(failure.Message, (await Client.GetStatusAsync("refused", Cancel))!.Error!.Message);
    }

    [Fact]
    public async Task Messages_arrive_once_for_each_key_and_events_and_streams_are_read()
    {
        var handle = await Client.EnqueueAsync<Talk>("converse", ["pens"], In("talk"), Cancel);
        var greeting = await Client.GetEventAsync<JsonElement>("talk", "greeting", Bounded.Limit, Cancel);
        Assert.Equal("""{"hello":"pens"}""", greeting.Value.GetRawText());

        foreach (var again in (string[])["yes", "yes"])
        {
            await Client.SendAsync("talk", again, "approval", "key-1", PayloadFormat.PortableJson, cancellationToken: Cancel);
        }

        await Client.SendAsync("talk", 7, format: PayloadFormat.PortableJson, cancellationToken: Cancel);

        var progress = await Client.ReadAllAsync<JsonElement>("talk", "progress");
        Assert.Equal(["""{"done":1}""", """{"done":2}""", """{"done":3}"""], progress.Select(value => value.GetRawText()));
        Assert.Equal(new Talk("yes", 7, null), await handle.ResultAsync());
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => Client.SendAsync("nobody", 1, cancellationToken: Cancel));
    }

    [Fact]
    public async Task A_message_in_our_own_format_fails_the_receiver()
    {
        var handle = await Client.EnqueueAsync<Talk>("converse", ["pens"], In("ours"), Cancel);
        await Client.SendAsync("ours", "yes", "approval", cancellationToken: Cancel);

        Assert.Contains("dotnet_msgpack", (await handle.FailureAsync()).Message);
    }

    [Fact]
    public async Task A_result_in_the_format_of_typescript_alone_is_an_error_that_says_what_to_do()
    {
        await Peer.CallAsync(
            "enqueueNative", new { workflowID = "native", workflowName = "echo", queueName = TypeScriptQueue }, (object[])[1]);

        var unread = await Assert.ThrowsAsync<SerializationFailedException>(() => Client.ResultAsync<int>("native"));

        Assert.Contains("js_superjson", unread.Message);
        Assert.Contains("portable_json", unread.Message);
        Assert.Contains("__dbos_serializer", (await Client.GetStatusAsync("native", Cancel))!.Output);
    }

    [Fact]
    public async Task A_workflow_is_cancelled_resumed_and_finishes()
    {
        var handle = await Client.EnqueueAsync<string>("gated", [], In("stopped"), Cancel);
        await BegunAsync("stopped");

        await Client.CancelAsync("stopped", cancellationToken: Cancel);
        Assert.Equal(WorkflowState.Cancelled, await Client.StateOfAsync("stopped"));
        await handle.CancellationAsync();
        await Client.ResumeAsync("stopped", TypeScriptQueue, Cancel);
        await Client.SendAsync("stopped", "now", "go", format: PayloadFormat.PortableJson, cancellationToken: Cancel);

        Assert.Equal("before now after", await handle.ResultAsync());
        Assert.Equal("0 before, 1 DBOS.recv, 2 DBOS.sleep, 3 after", await Client.StepsAsync("stopped"));
    }

    [Fact]
    public async Task A_workflow_is_forked_rewound_and_listed()
    {
        var handle = await Client.EnqueueAsync<string>("gated", [], In("source"), Cancel);
        await Client.SendAsync("source", "first", "go", format: PayloadFormat.PortableJson, cancellationToken: Cancel);
        Assert.Equal("before first after", await handle.ResultAsync());

        await Client.ForkAsync("source", 3, new() { Id = "fork", Queue = TypeScriptQueue }, Cancel);
        Assert.Equal("before first after", await Client.ResultAsync<string>("fork"));
        await Client.RewindAsync("source", 1, Cancel);
        await Client.SendAsync("source", "second", "go", format: PayloadFormat.PortableJson, cancellationToken: Cancel);
        Assert.Equal("before second after", await Client.ResultAsync<string>("source"));

        var listed = await Client.ListAsync(new() { Name = "gated", ForkedFrom = "source" }, Cancel).ToListAsync(Cancel);
        var fork = Assert.Single(listed);
        Assert.Equal(
            ("fork", WorkflowState.Success, "\"before first after\"", TypeScript, TypeScriptVersion),
            (fork.Id, fork.State, fork.Output, fork.ApplicationName, fork.ApplicationVersion));
    }

    private static StartOptions In(string id) => new() { Id = id, Queue = TypeScriptQueue };

    private Task BegunAsync(string id) => Eventually.TrueAsync(
        async () => (await Client.GetHistoryAsync(id, Cancel)).Checkpoints.Count > 1, Bounded.Limit, $"{id} waits");

    private sealed record TypeScriptTotal(string Sku, int Quantity, double? Total, int Arguments);

    private sealed record Talk(string Topical, int Plain, string? More);
}
