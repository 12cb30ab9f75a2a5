namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Taking up what another run has left. Scenarios RC and DQ.</summary>
public abstract class RecoverySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // RC-07
    [Fact]
    public async Task One_row_that_cannot_be_recovered_does_not_stop_the_others()
    {
        var gone = Adding("gone");
        var kept = Adding("kept");
        var engine = await LaunchAsync(gone, kept);
        await engine.RunAsync(gone, 1, "A");
        await engine.RunAsync(kept, 1, "C");
        await engine.RunAsync(kept, 1, "D");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("UPDATE workflow_input SET inputs = '!!!' WHERE workflow_uuid = 'C'");
        await CopyAsync("D", to: "");
        foreach (var id in new[] { "A", "", "C", "D" })
        {
            await Database.FlipAsync(id);
        }

        engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")).Lease = TimeSpan.FromSeconds(1), kept);

        Assert.Equal(2, await engine.ResultAsync<int>("D"));
        var undecodable = await engine.Retrieve<int>("C").FailureAsync();
        Assert.True(undecodable.Is<SerializationFailedException>());
        Assert.Contains("The input of workflow 'C' cannot be decoded", undecodable.Message);
        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync("A"));
        await Eventually.TrueAsync(async () => await StoredStateAsync("") == "ERROR", Bounded.Limit, "the row without an id ends");

        // What takes from queues goes on too.
        Assert.Equal(6, await (await engine.StartAsync(kept, 5, new() { Id = "E", Queue = "line" }, Cancel)).ResultAsync());
        Assert.Equal(5, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
        const string Stranded = "1 unfinished workflows gone of version v1 (such as A)";
        await Eventually.TrueAsync(
            () => Log.Entries.Any(entry => entry.Id == 1509 && entry.Text.Contains(Stranded)), Bounded.Limit, "a person is told");
    }

    [Fact]
    public async Task Rows_of_another_version_are_left()
    {
        var counts = new Counts();
        var v1 = Workflow.Define<int, string>("versioned").Step("S", _ => Task.FromResult(counts.Add("v1"))).Return(_ => "v1");
        var v2 = Workflow.Define<int, string>("versioned").Step("T", _ => Task.FromResult(counts.Add("v2"))).Return(_ => "v2");
        var engine = await LaunchAsync(v1);
        await engine.RunAsync(v1, 1, "A");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ForgetFromAsync("A", 0);
        await Database.FlipAsync("A");

        engine = await LaunchAsync(options => options.ApplicationVersion = "v2", v2);
        Assert.Equal("v2", await engine.RunAsync(v2, 1, "B"));
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Assert.Equal((1, 1), (counts["v1"], counts["v2"]));
        Assert.Contains(await StoredStateAsync("A"), new[] { "PENDING", "ENQUEUED" });

        engine = await LaunchAsync(v1);
        Assert.Equal("v1", await engine.ResultAsync<string>("A"));
        Assert.Equal((2, 1), (counts["v1"], counts["v2"]));
        Assert.Equal("v1", (await engine.GetStatusAsync("A", Cancel))!.ApplicationVersion);
    }

    [Fact]
    public async Task A_recovery_in_a_retry_loop_leaves_one_row_and_one_outcome()
    {
        var counts = new Counts();
        var third = new Probe();
        var workflow = Workflow.Define<Unit, int>("retrying")
            .Step("S", AttemptAsync).Retry(attempts: 3, delay: TimeSpan.Zero).As(out var s)
            .Return(x => x.Get(s));
        var engine = await LaunchAsync(workflow);
        var original = await engine.BeginAsync(workflow, default, "A");
        await third.ReachedAsync();

        await Database.ExecuteAsync("UPDATE workflow_status SET executor_id = 'gone', owner_xid = 'lost' WHERE workflow_uuid = 'A'");
        var other = await LaunchAsync(options => options.ExecutorId = "gone", workflow);
        await third.ReachedAsync();
        third.Open();

        Assert.Equal(3, await other.ResultAsync<int>("A"));
        Assert.Equal(3, await original.ResultAsync());
        Assert.Equal("0 S", await other.StepsAsync("A"));
        var status = await other.GetStatusAsync("A", Cancel);
        Assert.Equal((WorkflowState.Success, 2), (status!.State, status.RecoveryAttempts));

        async Task<int> AttemptAsync(StepState<Unit> step)
        {
            counts.Add("S");
            if (step.Attempt < 3)
            {
                throw new InvalidOperationException($"attempt {step.Attempt}");
            }

            await third.PassAsync();
            return step.Attempt;
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_shutdown_inside_a_step_leaves_the_row_to_be_recovered(Form form)
    {
        var gate = new Probe();
        var reasons = new List<CancellationReason>();
        var workflow = form.Pick(
            Workflow.Define<Unit, int>("interrupted", Body),
            Workflow.Define<Unit, int>("interrupted").Step("S", x => StepAsync(x.Step)).As(out var s).Return(x => x.Get(s)));
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.StopAsync(TimeSpan.FromSeconds(10), Cancel).Within(Bounded.Limit);
        Assert.Equal([CancellationReason.Shutdown], reasons);
        Assert.Equal("ENQUEUED", await StoredStateAsync("A"));
        Assert.Equal(0, await CheckpointCountAsync("A"));

        gate.Open();
        engine = await LaunchAsync(workflow);
        Assert.Equal(1, await engine.ResultAsync<int>("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("S", StepAsync).As(out var step);
            yield return step.Result;
        }

        async Task<int> StepAsync(StepContext step)
        {
            try
            {
                await gate.PassAsync(step);
                return 1;
            }
            finally
            {
                if (step.CancellationToken.IsCancellationRequested)
                {
                    reasons.Add(step.CancellationReason);
                }
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_users_own_cancellation_is_a_failure_like_any_other(bool inStep)
    {
        var workflow = Workflow.Define<Unit, int>("own cancellation", Body);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.True(failure.Is<OperationCanceledException>());
        Assert.Equal((WorkflowState.Error, "mine"), (await engine.StateOfAsync("A"), failure.Message));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("S", _ => inStep ? throw new OperationCanceledException("mine") : Task.CompletedTask);
            if (!inStep)
            {
                throw new OperationCanceledException("mine");
            }

            yield return 1;
        }
    }

    [Fact]
    public async Task Parents_and_children_of_one_dead_executor_all_end()
    {
        const int Count = 12;
        var child = Adding("child");
        var parent = Workflow.Define<int, int>("parent").Call(child, x => x.Input).As(out var called).Return(x => x.Get(called));
        var engine = await LaunchAsync(parent, child);
        for (var i = 0; i < Count; i++)
        {
            await engine.RunAsync(parent, i, $"P{i}");
            await Database.ForgetFromAsync($"P{i}", 1);
            await Database.ForgetFromAsync($"P{i}-0", 0);
        }

        string[] ids = [.. Enumerable.Range(0, Count).SelectMany(i => new[] { $"P{i}", $"P{i}-0" })];
        engine = await FlipAndRelaunchAsync(engine, ids, parent, child);

        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(i + 1, await engine.ResultAsync<int>($"P{i}"));
        }

        Assert.Equal(2 * Count, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'"));
    }

    // RC-09. Both are in one queue whose places are fewer than the parents.
    [Fact]
    public async Task Recovered_parents_that_wait_take_no_places_from_their_children()
    {
        const int Count = 12;
        var child = Adding("child");
        var parent = Workflow.Define<int, int>("parent")
            .Call(child, x => x.Input, _ => new() { Queue = "few" }).As(out var called).Return(x => x.Get(called));
        var engine = await LaunchAsync(Few, parent, child);
        var handles = await engine.StartManyAsync(
            parent, Enumerable.Range(0, Count).Select(i => (i, (StartOptions?)new() { Id = $"P{i}", Queue = "few" })), Cancel);
        foreach (var (number, handle) in handles.Index())
        {
            Assert.Equal(number + 1, await handle.ResultAsync());
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        foreach (var id in handles.Select(handle => handle.Id))
        {
            await Database.ForgetFromAsync(id, 1);
            await Database.ForgetFromAsync($"{id}-0", 0);
            await Database.FlipAsync(id);
            await Database.FlipAsync($"{id}-0");
        }

        await Database.ExecuteAsync("UPDATE workflow_status SET executor_id = 'another' WHERE workflow_uuid LIKE 'P%-0'");
        engine = await LaunchAsync(Few, parent, child);

        // All of them wait, four places or not, before the first of their children goes on.
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(DISTINCT workflow_uuid) FROM fluent_waits") == Count,
            Bounded.Limit,
            "all parents wait");
        Assert.Equal("few", (await engine.GetStatusAsync("P0", Cancel))!.Queue);
        Assert.Equal(Count, await engine.RecoverAsync(["another"], Cancel));

        foreach (var (number, handle) in handles.Index())
        {
            Assert.Equal(number + 1, await engine.ResultAsync<int>(handle.Id));
        }

        Assert.Equal(2 * Count, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'"));

        static void Few(EngineOptions options)
        {
            (options.UnloadAfter, options.Lease) = (TimeSpan.Zero, TimeSpan.FromHours(1));
            options.Add(new WorkflowQueue("few") { WorkerConcurrency = 4 });
        }
    }

    [Fact]
    public async Task A_workflow_is_given_up_when_its_recoveries_are_spent()
    {
        var counts = new Counts();
        var workflow = Workflow.Define<int, int>("hopeless", Body);
        var engine = await LaunchAsync(options => options.MaxRecoveryAttempts = 3, workflow);
        await engine.RunAsync(workflow, 1, "A");
        for (var attempts = 2; attempts <= 4; attempts++)
        {
            engine = await FlipAsync(engine, workflow);
            Assert.Equal(attempts, await engine.ResultAsync<int>("A"));
        }

        engine = await FlipAsync(engine, workflow);
        var given = await Assert.ThrowsAsync<MaxRecoveryAttemptsExceededException>(() => engine.ResultAsync<int>("A"));

        Assert.Equal(("A", 4), (given.WorkflowId, counts["body"]));
        var status = await engine.GetStatusAsync("A", Cancel);
        Assert.Equal((WorkflowState.MaxRecoveryAttemptsExceeded, 5), (status!.State, status.RecoveryAttempts));
        Assert.NotNull(status.CompletedAt);
        await Eventually.TrueAsync(() => Log.Has(1202), Bounded.Limit, "the error is logged");
        var again = await engine.BeginAsync(workflow, 1, "A");
        await Assert.ThrowsAsync<MaxRecoveryAttemptsExceededException>(() => again.ResultAsync());
        Assert.Equal(4, counts["body"]);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            counts.Add("body");
            yield return workflow.Attempt;
        }
    }

    // DQ-01. A number of attempts is that of the runs whose executors are gone.
    [Fact]
    public async Task By_default_a_workflow_is_recovered_a_hundred_times_and_not_once_more()
    {
        var workflow = Workflow.Define<int, int>("hopeless").Return(x => x.Workflow.Attempt);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, 1, "last");
        await engine.RunAsync(workflow, 1, "spent");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET recovery_attempts = CASE workflow_uuid WHEN 'last' THEN 100 ELSE 101 END");
        await Database.FlipAsync("last");
        await Database.FlipAsync("spent");

        engine = await LaunchAsync(workflow);

        Assert.Equal(101, await engine.ResultAsync<int>("last"));
        await Assert.ThrowsAsync<MaxRecoveryAttemptsExceededException>(() => engine.ResultAsync<int>("spent"));
        Assert.Equal(102, (await engine.GetStatusAsync("spent", Cancel))!.RecoveryAttempts);
    }

    [Fact]
    public async Task Recoveries_may_be_without_limit()
    {
        var workflow = Workflow.Define<int, int>("stubborn").Return(x => x.Workflow.Attempt);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, 1, "A");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 100000");
        await Database.FlipAsync("A");

        engine = await LaunchAsync(options => options.MaxRecoveryAttempts = null, workflow);

        Assert.Equal(100_001, await engine.ResultAsync<int>("A"));
    }

    [Fact]
    public async Task A_row_of_its_own_that_nothing_here_runs_is_taken_up_by_a_living_engine()
    {
        var workflow = Adding("adding");
        var gate = new Probe();
        var waiting = Workflow.Define<int, int>("waiting").Step("wait", async _ => await gate.PassAsync()).Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(2), workflow, waiting);
        var running = await engine.BeginAsync(waiting, 7, "B");
        await gate.ReachedAsync();
        await engine.RunAsync(workflow, 1, "A");

        // As a row that was locked, or not yet committed, when this process launched under its predecessor's id.
        await Database.FlipAsync("A");
        await Database.ExecuteAsync("UPDATE workflow_status SET updated_at = 1");

        await Eventually.TrueAsync(
            async () => await engine.GetStatusAsync("A", Cancel) is { State: WorkflowState.Success, RecoveryAttempts: 2 }, Bounded.Limit);
        gate.Open();
        Assert.Equal(7, await running.ResultAsync());
        Assert.Equal(1, (await engine.GetStatusAsync("B", Cancel))!.RecoveryAttempts);
    }

    private async Task<WorkflowEngine> FlipAsync(WorkflowEngine engine, WorkflowDefinition workflow)
    {
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        return await LaunchAsync(options => options.MaxRecoveryAttempts = 3, workflow);
    }

    private static WorkflowDefinition<int, int> Adding(string name) =>
        Workflow.Define<int, int>(name).Step("add", x => Task.FromResult(x.Input + 1)).As(out var sum).Return(x => x.Get(sum));

    private Task<string?> StoredStateAsync(string id) =>
        Database.ScalarAsync($"SELECT status FROM workflow_status WHERE workflow_uuid = '{id}'");

    private Task<int> CopyAsync(string id, string to) => Database.ExecuteAsync(
        $"""
        INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, application_name, application_version, serialization,
               priority, recovery_attempts, created_at, updated_at)
        SELECT '{to}', status, name, executor_id, application_name, application_version, serialization,
               priority, recovery_attempts, created_at, updated_at
          FROM workflow_status WHERE workflow_uuid = '{id}'
        """);
}
