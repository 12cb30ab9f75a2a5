namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What users get wrong: each case has its exception, which says what to do, and leaves no row.</summary>
public abstract class BadInputSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<Unit, Unit> Nothing = Workflow.Define<Unit>("nothing", NothingBody);

    public static TheoryData<string> BadIds() =>
        ["", " ", "\t", "\u00a0", new string('x', 256), "a\nb", "a\0b", "a\u0085b", "\u007f", "half \ud83d", "\ude00 half"];

    public static TheoryData<string> GoodIds() =>
        ["a", new string('x', 255), "with blanks and 'quotes' and \"more\"", "'; DROP TABLE workflow_status; --", "\u20ac \ud83d\ude00",
            "a::b", "%_\\"];

    [Fact]
    public async Task Options_that_need_a_queue_are_refused_without_one()
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        (string Name, StartOptions Options)[] homeless =
        [
            ("Priority", new() { Priority = 1 }),
            ("DeduplicationId", new() { DeduplicationId = "d" }),
            ("PartitionKey", new() { PartitionKey = "p" }),
        ];
        foreach (var (name, options) in homeless)
        {
            var refused = await Assert.ThrowsAsync<ArgumentException>(() => engine.StartAsync(workflow, 1, options, Cancel));
            Assert.Contains("StartOptions.Queue", refused.Message, StringComparison.Ordinal);
            Assert.Contains(name, refused.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => Step.Start(workflow, 1, options));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new StartOptions { Delay = TimeSpan.FromMilliseconds(-1) });
        Assert.Throws<ArgumentException>(() => Step.Start(Workflow.Declare<int, int>("elsewhere"), 1));
        var odd = new Dictionary<string, object?> { ["a"] = new() };
        await Assert.ThrowsAsync<ArgumentException>(
            () => engine.StartAsync(workflow, 1, new() { Queue = "line", Attributes = odd }, Cancel));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Theory]
    [MemberData(nameof(BadIds))]
    public async Task An_id_that_is_blank_too_long_or_not_printable_is_refused_wherever_one_is_given(string id)
    {
        var engine = await LaunchAsync(Nothing);

        Assert.Equal("Id", Assert.ThrowsAny<ArgumentException>(() => new StartOptions { Id = id }).ParamName);
        Assert.ThrowsAny<ArgumentException>(() => engine.Retrieve<Unit>(id));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => engine.GetStatusAsync(id, Cancel));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => engine.GetHistoryAsync(id, Cancel));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => engine.CancelAsync(id, cancellationToken: Cancel));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => engine.CancelAsync(["fine", id], cancellationToken: Cancel));
        Assert.Equal(0, await RowsAsync());
    }

    [Theory]
    [MemberData(nameof(BadIds))]
    public void A_name_that_is_blank_too_long_or_not_printable_is_refused_where_it_is_given(string name)
    {
        Assert.ThrowsAny<ArgumentException>(() => Workflow.Define<Unit>(name, NothingBody));
        Assert.ThrowsAny<ArgumentException>(() => Workflow.Declare<Unit, Unit>(name));
        Assert.ThrowsAny<ArgumentException>(() => Step.Run(name, _ => Task.CompletedTask));
        Assert.ThrowsAny<ArgumentException>(() => new EngineOptions { ExecutorId = name });
        Assert.ThrowsAny<ArgumentException>(() => new EngineOptions { ApplicationVersion = name });
        Assert.ThrowsAny<ArgumentException>(() => new EngineOptions { ApplicationName = name });
    }

    [Theory]
    [MemberData(nameof(GoodIds))]
    public async Task Any_other_id_is_an_id_and_any_other_name_a_name(string text)
    {
        var workflow = Workflow.Define<Unit, string>(text, Body);
        var engine = await LaunchAsync(
            options => options.ExecutorId = options.ApplicationName = options.ApplicationVersion = text, workflow);

        Assert.Equal(text, await engine.RunAsync(workflow, default, text));
        var status = (await engine.GetStatusAsync(text, Cancel))!;
        Assert.Equal((text, text, text, text), (status.Id, status.Name, status.ExecutorId, status.ApplicationVersion));
        Assert.Equal(text, Assert.Single((await engine.GetHistoryAsync(text, Cancel)).Checkpoints).Name);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run(text, s => Task.FromResult(s.WorkflowId)).As(out var id);
            yield return id.Result;
        }
    }

    [Theory]
    [InlineData("DBOS.sleep")]
    [InlineData("DBOS.anything")]
    [InlineData("Dbos.Fluent.any")]
    public void A_step_named_as_a_built_in_one_is_refused(string name)
    {
        var refused = Assert.Throws<ArgumentException>(() => Step.Run(name, _ => Task.CompletedTask));

        Assert.Contains("choose another name", refused.Message);
        Assert.ThrowsAny<ArgumentException>(() => Workflow.Define<Unit>("w").Step(name, _ => Task.CompletedTask));
    }

    [Fact]
    public void Null_is_refused_where_it_is_given()
    {
        Assert.Throws<ArgumentNullException>(() => Workflow.Define<Unit>("w", null!));
        Assert.Throws<ArgumentNullException>(() => Workflow.Define<Unit, int>("w", null!));
        Assert.Throws<ArgumentNullException>(() => Step.Run<int>("s", null!));
        Assert.Throws<ArgumentNullException>(() => Step.Call<Unit, int>(null!, default));
        Assert.Throws<ArgumentNullException>(() => Step.Start<Unit, int>(null!, default));
        Assert.Throws<ArgumentNullException>(() => Step.Await<int>(null!));
        Assert.Throws<ArgumentNullException>(() => Step.All(Step.Sleep(TimeSpan.Zero), null!));
        Assert.Throws<ArgumentNullException>(() => new EngineOptions().Add((WorkflowDefinition)null!));
        Assert.Throws<ArgumentNullException>(() => new EngineOptions { TimeProvider = null! });
        Assert.ThrowsAny<ArgumentException>(() => new EngineOptions().UseSqlite(" "));
        Assert.ThrowsAny<ArgumentException>(() => new EngineOptions().UsePostgres(" "));
        Assert.ThrowsAny<ArgumentException>(() => new EngineOptions().UsePostgres("nonsense"));
        Assert.ThrowsAny<ArgumentException>(() => new EngineOptions().UsePostgres("Host=localhost", " "));
    }

    [Fact]
    public void Retries_and_timeouts_out_of_range_are_refused_where_they_are_set()
    {
        var step = Step.Run("step", _ => Task.CompletedTask);
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(attempts: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(attempts: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(delay: TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(delay: Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(backoff: 0.9));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(backoff: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(backoff: double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(maxDelay: TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(maxDelay: TimeSpan.FromDays(25)));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(jitter: -0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(jitter: 1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(jitter: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(TimeSpan.MaxValue));
    }

    [Fact]
    public void Options_out_of_range_are_refused_where_they_are_set()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new StartOptions { Timeout = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new StartOptions { Timeout = TimeSpan.FromMilliseconds(-2) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new StartOptions { Timeout = TimeSpan.MinValue });
        Assert.Throws<ArgumentOutOfRangeException>(() => new StartOptions { Format = (PayloadFormat)9 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new StartOptions { IdReuse = (IdReuse)9 });
        Assert.ThrowsAny<ArgumentException>(() => new StartOptions { ApplicationVersion = " " });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { Lease = TimeSpan.FromMilliseconds(299) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { Lease = TimeSpan.FromDays(2) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { DrainTimeout = TimeSpan.FromTicks(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { MaxRecoveryAttempts = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { PollInterval = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { PollInterval = Timeout.InfiniteTimeSpan });
        Assert.Throws<ArgumentOutOfRangeException>(() => Workflow.Declare<Unit, Unit>("w", (PayloadFormat)9));
    }

    [Fact]
    public async Task The_longest_timeout_is_as_good_as_none()
    {
        var engine = await LaunchAsync(Nothing);

        await (await engine.BeginAsync(Nothing, default, "A", TimeSpan.MaxValue)).ResultAsync();

        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal((WorkflowState.Success, DateTimeOffset.MaxValue.Year), (status.State, status.Deadline!.Value.Year));
    }

    [Fact]
    public async Task A_drain_time_out_of_range_is_refused_and_the_engine_runs_on()
    {
        var engine = await LaunchAsync(Nothing);

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.StopAsync(TimeSpan.FromTicks(-1), Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.StopAsync(TimeSpan.MaxValue, Cancel));

        await engine.RunAsync(Nothing, default, "A");
    }

    [Fact]
    public async Task A_definition_that_is_not_registered_is_not_started()
    {
        var engine = await LaunchAsync(Nothing);
        var twin = Workflow.Define<Unit>("nothing", NothingBody);
        var stranger = Workflow.Define<Unit>("stranger", NothingBody);

        var other = await Assert.ThrowsAsync<WorkflowNotRegisteredException>(() => engine.BeginAsync(twin, default, "A"));
        var unknown = await Assert.ThrowsAsync<WorkflowNotRegisteredException>(() => engine.BeginAsync(stranger, default, "A"));

        Assert.Contains("another definition is registered under this name", other.Message);
        Assert.Equal(("DBOS1002", "stranger"), (unknown.Code, unknown.Name));
        Assert.Contains("o.Add(stranger)", unknown.Message);
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task A_child_that_is_not_registered_fails_its_step_and_leaves_no_row_of_its_own()
    {
        var stranger = Workflow.Define<Unit>("stranger", NothingBody);
        var parent = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(parent);
        var handle = await engine.BeginAsync(parent, default, "P");

        Assert.True((await handle.FailureAsync()).Is<WorkflowNotRegisteredException>());
        Assert.Equal([["P", "ERROR"]], await Database.QueryAsync("SELECT workflow_uuid, status FROM workflow_status"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Call(stranger, default);
        }
    }

    [Fact]
    public async Task A_child_whose_input_cannot_be_stored_fails_its_step_and_leaves_no_row_of_its_own()
    {
        var child = Workflow.Define<Func<int>, int>("child", Child);
        var parent = Workflow.Define<Unit>("parent", Parent);
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");

        Assert.True((await handle.FailureAsync()).Is<SerializationFailedException>());
        Assert.Equal([["P", "ERROR"]], await Database.QueryAsync("SELECT workflow_uuid, status FROM workflow_status"));

        async IAsyncEnumerable<Step> Parent(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, () => 1);
        }

        static async IAsyncEnumerable<StepOr<int>> Child(Func<int> input, WorkflowContext workflow)
        {
            yield return 1;
        }
    }

    [Fact]
    public async Task Two_definitions_of_one_name_do_not_launch()
    {
        var twin = Workflow.Define<Unit>("nothing", NothingBody);

        var refused = await Assert.ThrowsAsync<ConflictingRegistrationException>(() => LaunchAsync(Nothing, twin));

        Assert.Equal(("DBOS1003", "nothing"), (refused.Code, refused.Name));
        Assert.Contains("Rename one", refused.Message);
        await LaunchAsync(Nothing, Nothing);
    }

    [Fact]
    public async Task A_declared_definition_cannot_be_run_here()
    {
        var declared = Workflow.Declare<Unit, Unit>("declared");

        var refused = await Assert.ThrowsAsync<WorkflowNotRegisteredException>(() => LaunchAsync(declared));

        Assert.Contains("declared without a body", refused.Message);
    }

    [Fact]
    public async Task An_id_of_another_definition_is_refused_and_nothing_is_changed()
    {
        var other = Workflow.Define<Unit>("other", NothingBody);
        var engine = await LaunchAsync(Nothing, other);
        await engine.RunAsync(Nothing, default, "A");
        var before = await Database.QueryAsync("SELECT * FROM workflow_status");

        var refused = await Assert.ThrowsAsync<ConflictingWorkflowException>(() => engine.BeginAsync(other, default, "A"));

        Assert.Equal("DBOS2001", refused.Code);
        Assert.Contains("Make ids unique across definitions", refused.Message);
        Assert.Equal(before, await Database.QueryAsync("SELECT * FROM workflow_status"));
    }

    [Fact]
    public async Task What_is_neither_step_nor_result_fails_the_workflow()
    {
        var empty = Workflow.Define<Unit, int>("empty", Empty);
        var noStep = Workflow.Define<Unit>("no step", NoStep);
        var noResult = Workflow.Define<Unit, int>("no result", NoResult);
        var engine = await LaunchAsync(empty, noStep, noResult);

        var first = await (await engine.BeginAsync(empty, default, "A")).FailureAsync();
        var second = await (await engine.BeginAsync(noStep, default, "B")).FailureAsync();
        var third = await (await engine.BeginAsync(noResult, default, "C")).FailureAsync();

        Assert.StartsWith("Workflow 'empty' yielded neither a step nor a result. Was `default` or a null step yielded?", first.Message);
        Assert.Equal("Workflow 'no step' yielded null instead of a step.", second.Message);
        Assert.Contains("ended without a result", third.Message);
        Assert.Equal(3, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'ERROR'"));

        static async IAsyncEnumerable<StepOr<int>> Empty(Unit input, WorkflowContext workflow)
        {
            yield return default;
        }

        static async IAsyncEnumerable<Step> NoStep(Unit input, WorkflowContext workflow)
        {
            yield return null!;
        }

        static async IAsyncEnumerable<StepOr<int>> NoResult(Unit input, WorkflowContext workflow)
        {
            yield break;
        }
    }

    [Fact]
    public async Task A_result_read_before_its_step_ran_fails_the_workflow_and_names_the_step()
    {
        var workflow = Workflow.Define<Unit, int>("early", Body);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.True(failure.Is<InvalidOperationException>());
        Assert.Contains("The result of step 'late' was read before the step ran", failure.Message);

        static async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            var late = Step.Run("late", async _ => 1);
            yield return Step.Run("first", async _ => 1);
            yield return late.Result;
        }
    }

    [Fact]
    public async Task A_step_shared_by_two_runs_fails_the_second()
    {
        var shared = Step.Run("shared", async _ => 1);
        var workflow = Workflow.Define<Unit>("sharing", Body);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");

        var failure = await (await engine.BeginAsync(workflow, default, "B")).FailureAsync();

        Assert.Contains("a descriptor belongs to one run", failure.Message);
        Assert.Equal(0, await CheckpointCountAsync("B"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return shared;
        }
    }

    [Fact]
    public async Task A_member_of_a_group_shared_by_two_runs_fails_the_second()
    {
        var shared = Step.Run("shared", async _ => 1);
        var workflow = Workflow.Define<Unit>("sharing", Body);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");

        var failure = await (await engine.BeginAsync(workflow, default, "B")).FailureAsync();

        Assert.Contains("a descriptor belongs to one run", failure.Message);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(shared, Step.Run("own", async _ => "own"));
        }
    }

    [Fact]
    public async Task An_unknown_id_is_told_where_it_is_awaited_or_its_history_read()
    {
        var engine = await LaunchAsync(Nothing);

        var awaited = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.Retrieve<Unit>("missing").ResultAsync());
        var read = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.GetHistoryAsync("missing", Cancel));

        Assert.Equal(("DBOS5001", "missing", "missing"), (awaited.Code, awaited.WorkflowId, read.WorkflowId));
        Assert.Null(await engine.GetStatusAsync("missing", Cancel));
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.Retrieve<Unit>("missing").GetStatusAsync(Cancel));
    }

    private static async IAsyncEnumerable<Step> NothingBody(Unit input, WorkflowContext workflow)
    {
        yield break;
    }

    private Task<long> RowsAsync() => Database.CountAsync(
        "SELECT (SELECT count(*) FROM workflow_status) + (SELECT count(*) FROM workflow_input) + (SELECT count(*) FROM operation_outputs)");
}
