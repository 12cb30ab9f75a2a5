namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Ids of children that are in somebody's way: a stranger's, and the parent's own.</summary>
public abstract class ChildIdSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData("call", "1 child failed")]
    [InlineData("start", "1 child failed")]
    [InlineData("start many", "1 child failed, 2 child")]
    public async Task A_child_whose_id_is_a_strangers_fails_and_is_not_attached_to_it(string kind, string steps)
    {
        var child = Workflow.Define<string, string>("child").Return(x => $"of {x.Input}");
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        Assert.Equal("of another", await engine.RunAsync(child, "another", "P-1"));

        var failure = await (await engine.BeginAsync(parent, default, "P")).FailureAsync();

        Assert.True(failure.Is<WorkflowIdInUseException>());
        Assert.Contains("'P-1', which a child of workflow 'P' gets by itself, is in use by a workflow 'child'", failure.Message);
        Assert.Equal($"0 own, {steps}", await engine.StepsAsync("P"));
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
        Assert.Equal(failure.Message, (await engine.Retrieve<string>("P").FailureAsync()).Message);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("own", _ => Task.CompletedTask);
            yield return kind switch
            {
                "call" => Step.Call(child, "P"),
                "start" => Step.Start(child, "P"),
                _ => Step.StartMany(child, ["P", "Q"]),
            };
            yield return "not reached";
        }
    }

    [Fact]
    public async Task A_rewound_parent_finds_its_own_child_under_the_id_and_one_with_an_id_of_the_users_own_attaches_to_any()
    {
        var child = Workflow.Define<string, string>("child").Return(x => $"of {x.Input}");
        var parent = Workflow.Define<Unit, string>("parent")
            .Call(child, _ => "P").As(out var own)
            .Call(child, _ => "P", _ => new() { Id = "shared" }).As(out var shared)
            .Return(x => $"{x.Get(own)}, {x.Get(shared)}");
        var engine = await LaunchAsync(parent, child);
        await engine.RunAsync(child, "another", "shared");
        Assert.Equal("of P, of another", await engine.RunAsync(parent, default, "P"));

        await engine.RewindAsync("P", 0, Cancel);

        Assert.Equal("of P, of another", await engine.ResultAsync<string>("P"));
        Assert.Equal(3, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Fact]
    public async Task A_child_that_was_to_attach_to_the_holder_of_a_deduplication_id_says_what_is_held_by_whom()
    {
        var holder = Workflow.Define<Unit, Unit>("holder").Return(_ => default);
        var child = Workflow.Define<Unit, Unit>("child").Return(_ => default);
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), holder, child, parent);
        await engine.Queues.PauseAsync("line", Cancel);
        await engine.StartAsync(holder, default, new() { Id = "H", Queue = "line", DeduplicationId = "d" }, Cancel);

        var failure = await (await engine.BeginAsync(parent, default, "P")).FailureAsync();

        Assert.Contains("on the queue 'line' with the deduplication id 'd'", failure.Message);
        Assert.Contains("the holder is 'H', a workflow 'holder'", failure.Message);
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child, holder);
        Assert.Equal(failure.Message, (await engine.Retrieve<string>("P").FailureAsync()).Message);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, default, new()
            {
                Queue = "line",
                DeduplicationId = "d",
                DeduplicationPolicy = DeduplicationPolicy.ReturnExisting,
            });
            yield return "not reached";
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_workflow_that_awaits_itself_fails_its_step(bool any)
    {
        WorkflowEngine engine = null!;
        var workflow = Workflow.Define<Unit, string>("self", Body);
        engine = await LaunchAsync(workflow);

        Assert.Equal("Workflow 'A' awaits itself", (await engine.RunAsync(workflow, default, "A"))[..26]);

        var stored = await Database.StoredStepsAsync("A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("Workflow 'A' awaits itself", (await engine.ResultAsync<string>("A"))[..26]);
        Assert.Equal(stored, await Database.StoredStepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var self = engine.Retrieve<string>(workflow.WorkflowId);
            RecordedFailure? error;
            if (any)
            {
                yield return Step.AwaitAny([self, self]).Try(out var first);
                error = first.Error;
            }
            else
            {
                yield return Step.Await(self).Try(out var result);
                error = result.Error;
            }

            yield return error!.Message;
        }
    }
}
