namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Values that cannot be stored, and stored ones that cannot be read.</summary>
public abstract class UnstorableSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();

    [Fact]
    public async Task An_input_that_cannot_be_stored_is_refused_and_leaves_no_row()
    {
        var workflow = Workflow.Define<Node, int>("cyclic", Body);
        var engine = await LaunchAsync(workflow);
        var node = new Node();
        node.Next = node;

        var refused = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.BeginAsync(workflow, node, "A"));

        Assert.Equal("DBOS1005", refused.Code);
        Assert.Contains(nameof(Node), refused.TypeName);
        Assert.EndsWith("must not contain themselves: store references as ids, or flatten the value.", refused.Message);
        Assert.Equal(0, await RowsAsync());

        static async IAsyncEnumerable<StepOr<int>> Body(Node input, WorkflowContext workflow)
        {
            yield return 1;
        }
    }

    [Fact]
    public async Task An_input_of_a_type_without_a_stored_form_is_refused_in_both_formats()
    {
        var workflow = Workflow.Define<Func<int>, int>("delegate", Body);
        var engine = await LaunchAsync(workflow);

        foreach (var format in Enum.GetValues<PayloadFormat>())
        {
            await Assert.ThrowsAsync<SerializationFailedException>(
                () => engine.StartAsync(workflow, () => 1, new() { Id = "A", Format = format }, Cancel));
        }

        Assert.Equal(0, await RowsAsync());

        static async IAsyncEnumerable<StepOr<int>> Body(Func<int> input, WorkflowContext workflow)
        {
            yield return 1;
        }
    }

    [Fact]
    public async Task A_step_result_that_cannot_be_stored_is_a_recorded_failure_of_the_step()
    {
        var workflow = Workflow.Define<Unit, string>("step", Body);
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("Dbos.Fluent.SerializationFailedException", first);
        Assert.Equal(first, await engine.Retrieve<string>("A").ResultAsync());
        Assert.Equal(1, counts["step"]);
        var row = Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints);
        Assert.Null(row.Output);
        Assert.True(row.Error!.Is<SerializationFailedException>());
        Assert.StartsWith(
            "DBOS1005: The result of step 0 'cyclic' of workflow 'A' cannot be stored. ", row.Error!.Message, StringComparison.Ordinal);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("cyclic", async _ =>
            {
                counts.Add("step");
                var node = new Node();
                return node.Next = node;
            }).Retry(delay: TimeSpan.Zero).Try(out var step);
            yield return step.Error!.TypeName;
        }
    }

    [Fact]
    public async Task A_result_that_could_not_be_read_back_is_refused_when_it_is_stored()
    {
        var workflow = Workflow.Define<Unit, string>("one way", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal("Dbos.Fluent.SerializationFailedException", await engine.RunAsync(workflow, default, "A"));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("one way", async _ => new OneWay(1, 2)).Try(out var step);
            yield return step.Error?.TypeName ?? "stored";
        }
    }

    [Fact]
    public async Task A_workflow_result_that_cannot_be_stored_ends_the_workflow_with_an_explanation()
    {
        var workflow = Workflow.Define<Unit, Node>("result", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        var failure = await handle.FailureAsync();

        Assert.True(failure.Is<SerializationFailedException>());
        Assert.Contains("The result of workflow 'A' cannot be stored.", failure.Message);
        Assert.Equal(WorkflowState.Error, (await engine.GetStatusAsync("A", Cancel))!.State);

        static async IAsyncEnumerable<StepOr<Node>> Body(Unit input, WorkflowContext workflow)
        {
            var node = new Node();
            yield return node.Next = node;
        }
    }

    [Theory]
    [InlineData("'not a payload'", "NULL")]
    [InlineData("'not a payload'", "'dotnet_msgpack'")]
    [InlineData("'{'", "'portable_json'")]
    [InlineData("'[1,2]'", "'portable_json'")]
    [InlineData("'{\"json\":[1],\"__dbos_serializer\":\"superjson\"}'", "'js_superjson'")]
    [InlineData("'gASVBQAAAAAAAABLASwu'", "'py_pickle'")]
    [InlineData("''", "'dotnet_msgpack'")]
    [InlineData("NULL", "NULL")]
    [InlineData("NULL", "'dotnet_msgpack'")]
    [InlineData("NULL", "'portable_json'")]
    public async Task An_input_that_cannot_be_read_ends_its_workflow_with_an_explanation_and_no_other(string inputs, string format)
    {
        var workflow = Number();
        var engine = await LaunchAsync(workflow);
        await InsertAsync("bad", inputs, format);
        await InsertAsync("good", """'{"positionalArgs":[7],"namedArgs":{}}'""", "'portable_json'");

        var failure = await engine.Retrieve<int>("bad").FailureAsync();

        Assert.True(failure.Is<SerializationFailedException>());
        Assert.Contains("The input of workflow 'bad' cannot be decoded.", failure.Message);
        Assert.Equal(7, await engine.Retrieve<int>("good").ResultAsync());
        var status = (await engine.GetStatusAsync("bad", Cancel))!;
        Assert.Equal(WorkflowState.Error, status.State);
        Assert.NotNull(status.CompletedAt);
        Assert.NotNull((await engine.GetHistoryAsync("bad", Cancel)).ToString());
        Assert.Equal(1, counts["body"]);
    }

    [Fact]
    public async Task A_missing_input_row_ends_its_workflow_too()
    {
        var workflow = Number();
        var engine = await LaunchAsync(workflow);
        await InsertAsync("bad", inputs: null, "'portable_json'");

        Assert.True((await engine.Retrieve<int>("bad").FailureAsync()).Is<SerializationFailedException>());
    }

    [Fact]
    public async Task No_stored_input_is_enough_for_a_workflow_that_takes_none()
    {
        var workflow = Workflow.Define<Unit, int>("number", Body);
        var engine = await LaunchAsync(workflow);
        await InsertAsync("A", "NULL", "NULL");

        Assert.Equal(7, await engine.Retrieve<int>("A").ResultAsync());

        static async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return 7;
        }
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_read_ends_its_workflow_and_stays_as_it_is()
    {
        var workflow = Workflow.Define<Unit, int>("checkpoint", Body);
        var engine = await LaunchAsync(workflow);
        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.ExecuteAsync("UPDATE operation_outputs SET output = 'garbage'");
        await Database.FlipAsync("A");
        engine = await LaunchAsync(workflow);

        Assert.True((await engine.Retrieve<int>("A").FailureAsync()).Is<SerializationFailedException>());
        Assert.Equal("garbage", Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints).Output);
        Assert.Equal(1, counts["step"]);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async _ => counts.Add("step")).As(out var step);
            yield return step.Result;
        }
    }

    [Fact]
    public async Task A_result_read_as_another_type_is_refused_and_can_still_be_read_as_its_own()
    {
        var workflow = Number();
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, 7, "A");

        var refused = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.Retrieve<Guid>("A").ResultAsync());
        Assert.StartsWith("DBOS1005: The result of workflow 'A' cannot be decoded", refused.Message, StringComparison.Ordinal);

        Assert.Equal(7, await engine.Retrieve<int>("A").ResultAsync());
    }

    private WorkflowDefinition<int, int> Number()
    {
        return Workflow.Define<int, int>("number", Body);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            counts.Add("body");
            yield return input;
        }
    }

    private Task<long> RowsAsync() =>
        Database.CountAsync("SELECT (SELECT count(*) FROM workflow_status) + (SELECT count(*) FROM workflow_input)");

    private Task<int> InsertAsync(string id, string? inputs, string format) => Database.ExecuteAsync(
        (inputs is null ? "" : $"INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp) VALUES ('{id}', {inputs}, 1);")
        + "INSERT INTO workflow_status (workflow_uuid, status, name, queue_name, priority, recovery_attempts, created_at, updated_at, "
        + "serialization, application_name) "
        + $"VALUES ('{id}', 'ENQUEUED', 'number', '_dbos_internal_queue', 0, 0, 1, 1, {format}, 'tests')");

    private sealed class Node
    {
        public Node? Next { get; set; }
    }

    // Its constructor has a parameter that no property matches, so it can be written and never read.
    private sealed class OneWay(int known, int secret)
    {
        public int Known { get; } = known + secret;
    }
}
