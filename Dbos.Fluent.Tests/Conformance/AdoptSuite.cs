using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Taking over the waiting work of another version.</summary>
public abstract class AdoptSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task Waiting_work_is_adopted_where_its_history_fits_and_no_body_runs_for_it()
    {
        var counts = new Counts();
        var (old, next) = (Versioned(counts, "a", "b"), Versioned(counts, "a", "c"));
        var gone = Workflow.Define<int, string>("gone").Return(_ => "");
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, old, gone);
        await engine.Queues.RegisterAsync(new("q"), cancellationToken: Cancel);
        foreach (var id in new[] { "at a", "at b" })
        {
            await engine.BeginAsync(old, 1, id);
            await Parkable.ParkedAsync(engine, id);
        }

        await engine.SendAsync("at b", 7, "go", cancellationToken: Cancel);
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("at b") >= 4, Bounded.Limit, "b is recorded");
        await Parkable.ParkedAsync(engine, "at b");
        await engine.Queues.PauseAsync("q", Cancel);
        await engine.StartAsync(old, 1, new() { Id = "not begun", Queue = "q" }, Cancel);
        await engine.StartAsync(gone, 1, new() { Id = "unknown", Queue = "q" }, Cancel);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var before = (await Database.StoredStepsAsync("at a"), await Database.StoredStepsAsync("at b"), counts["a"], counts["b"]);

        engine = await LaunchAsync(options => options.ApplicationVersion = "v2", next);
        var outcomes = (await engine.Versions.AdoptAsync("v1", Cancel)).ToDictionary(outcome => outcome.WorkflowId);

        Assert.Equal(["at a", "at b", "not begun", "unknown"], outcomes.Keys.Order());
        Assert.Equal((true, null), (outcomes["at a"].Adopted, outcomes["at a"].Why));
        Assert.Equal((true, null), (outcomes["not begun"].Adopted, outcomes["not begun"].Why));
        Assert.False(outcomes["at b"].Adopted);
        Assert.Contains("yielded 'c' at position 3, but its history holds 'b'", outcomes["at b"].Why);
        Assert.Contains("No workflow 'gone' is registered", outcomes["unknown"].Why);
        var after = (await Database.StoredStepsAsync("at a"), await Database.StoredStepsAsync("at b"), counts["a"], counts["b"]);
        Assert.Equal(before, after);
        Assert.Equal("v1", (await engine.GetStatusAsync("at b", Cancel))!.ApplicationVersion);

        Assert.Empty(await engine.Versions.AdoptAsync("v2", Cancel));
        Assert.Empty(await engine.Versions.AdoptAsync("unheard of", Cancel));
        await engine.Queues.ResumeAsync("q", Cancel);
        foreach (var id in new[] { "at a", "not begun" })
        {
            await engine.SendAsync(id, 7, "go", cancellationToken: Cancel);
            await engine.SendAsync(id, 8, "go", cancellationToken: Cancel);
            Assert.Equal("7 8", await engine.ResultAsync<string>(id));
        }

        Assert.Equal((2, 2), (counts["c"], counts["b"] + 1));
    }

    [Fact]
    public async Task A_history_that_cannot_be_read_in_time_is_no_bar_to_adopting_the_others()
    {
        var workflow = Parkable.Receiving();
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, workflow);
        string[] ids = ["a", "b", "large", "z"];
        foreach (var id in ids)
        {
            await engine.BeginAsync(workflow, default, id);
            await Parkable.ParkedAsync(engine, id);
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var faults = new CallFaults
        {
            Before = (call, _) => call.Kind == StoreCallKind.ReadHistories && call.Read.Contains("large")
                ? throw CallFaults.TimedOut()
                : Task.CompletedTask,
        };
        engine = await LaunchAsync(
            options => (options.ApplicationVersion, options.WrapStore) = ("v2", store => new FaultingStore(store, faults)), workflow);

        var outcomes = (await engine.Versions.AdoptAsync("v1", Cancel)).ToDictionary(outcome => outcome.WorkflowId);

        Assert.Equal(ids, outcomes.Keys.Order());
        Assert.All(outcomes.Values, outcome => Assert.Equal(outcome.WorkflowId != "large", outcome.Adopted));
        Assert.Equal("Its history could not be read in time.", outcomes["large"].Why);
    }

    [Fact]
    public async Task Running_work_stays_with_its_owner_and_that_of_a_dead_one_is_adopted()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<int, string>("held")
            .Step("s", async x => await gate.PassAsync(x.CancellationToken)).Return(_ => "by v1");
        var same = Workflow.Define<int, string>("held").Step("s", _ => Task.CompletedTask).Return(_ => "by v2");
        var one = await LaunchAsync(options => options.ExecutorId = "e1", workflow);
        await one.BeginAsync(workflow, 1, "A");
        await gate.ReachedAsync();
        var (adopting, lost) = (new AsyncLocal<bool>(), new Counts());
        var two = await LaunchAsync(
            options =>
            {
                (options.ApplicationVersion, options.ExecutorId, options.Lease) = ("v2", "e2", TimeSpan.FromMilliseconds(300));
                options.WrapStore = store => new FaultingStore(store, new CallFaults { Before = OnlyAdopting, After = LoseOnce });
            },
            same);
        adopting.Value = true;

        var (id, adopted, why) = Assert.Single(await two.Versions.AdoptAsync("v1", Cancel));

        Assert.Equal(("A", false), (id, adopted));
        Assert.Contains("Executor 'e1' is running it", why);
        await one.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        await Database.ExecuteAsync("UPDATE workflow_status SET executor_id = 'e0', updated_at = 1");
        Assert.Equal(("A", true, null), Assert.Single(await two.Versions.AdoptAsync("v1", Cancel)));
        Assert.Equal(2, lost["Adopt"]);
        Assert.Equal("by v2", await two.ResultAsync<string>("A"));
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.Versions.AdoptAsync("v1", Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => two.Versions.AdoptAsync(" ", Cancel));

        // Recovery would hand on what is adopted here.
        Task OnlyAdopting(StoreCall call, CancellationToken cancellationToken) =>
            call.Kind == StoreCallKind.HandOnOrphans && !adopting.Value ? throw CallFaults.Unavailable("Not now.") : Task.CompletedTask;

        Task LoseOnce(StoreCall call, CancellationToken cancellationToken) => call.Kind == StoreCallKind.Adopt && lost.Add("Adopt") == 1
            ? throw CallFaults.Unavailable("The answer is lost.")
            : Task.CompletedTask;
    }

    // More than one page of them, some still a dead engine's.
    [Fact]
    public async Task A_backlog_is_adopted_to_its_end()
    {
        const int Count = 230;
        var old = Workflow.Define<int, string>("many").Return(_ => "by v1");
        var engine = await LaunchAsync(old);
        await engine.RunAsync(old, 1, "seed");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var numbers = $"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {Count})";
        await Database.ExecuteAsync(
            $"{numbers} INSERT INTO workflow_input (workflow_uuid, inputs) "
            + "SELECT 'w' || n, inputs FROM workflow_input, numbers WHERE workflow_uuid = 'seed'");
        await Database.ExecuteAsync(
            $"""
            {numbers}
            INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, owner_xid, application_name, application_version,
                   queue_name, serialization, priority, recovery_attempts, created_at, updated_at)
            SELECT 'w' || n, CASE WHEN n % 3 = 0 THEN 'PENDING' ELSE 'ENQUEUED' END, name,
                   CASE WHEN n % 3 = 0 THEN 'dead' END, CASE WHEN n % 3 = 0 THEN 'lost' END, application_name, application_version,
                   '_dbos_internal_queue', serialization, priority, CASE WHEN n % 3 = 0 THEN 1 ELSE 0 END, created_at, 1
              FROM workflow_status, numbers WHERE workflow_uuid = 'seed'
            """);

        engine = await LaunchAsync(
            options => options.ApplicationVersion = "v2",
            Workflow.Define<int, string>("many").Step("new", _ => Task.CompletedTask).Return(_ => "by v2"));
        var outcomes = await engine.Versions.AdoptAsync("v1", Cancel);

        Assert.Equal(Count, outcomes.Select(outcome => outcome.WorkflowId).Distinct().Count());
        Assert.All(outcomes, outcome => Assert.Equal((true, null), (outcome.Adopted, outcome.Why)));
        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "all end");
        Assert.Equal("by v2", await engine.ResultAsync<string>($"w{Count}"));
    }

    // As the SQL function enqueue_workflow and older SDKs leave it: the token is the creator's, and nobody owns the row.
    [Fact]
    public async Task Work_that_carries_the_token_of_whoever_enqueued_it_is_adopted()
    {
        var old = Workflow.Define<int, string>("enqueued").Return(_ => "by v1");
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("q")), old);
        await engine.Queues.PauseAsync("q", Cancel);
        await engine.StartAsync(old, 1, new() { Id = "A", Queue = "q" }, Cancel);
        await engine.StartAsync(old, 1, new() { Id = "B", Queue = "q", Delay = TimeSpan.FromDays(1) }, Cancel);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("UPDATE workflow_status SET owner_xid = 'creator'");

        engine = await LaunchAsync(
            options => options.ApplicationVersion = "v2",
            Workflow.Define<int, string>("enqueued").Step("new", _ => Task.CompletedTask).Return(_ => "by v2"));
        var outcomes = await engine.Versions.AdoptAsync("v1", Cancel);

        Assert.Equal([("A", true, null), ("B", true, null)], outcomes);
        await engine.Queues.ResumeAsync("q", Cancel);
        Assert.Equal("by v2", await engine.ResultAsync<string>("A"));
    }

    [Fact]
    public async Task An_adopted_workflow_waits_for_what_its_new_code_waits_for()
    {
        var old = Waiting("approval");
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, old);
        await engine.BeginAsync(old, 1, "A");
        await Parkable.ParkedAsync(engine, "A");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        engine = await LaunchAsync(
            options => (options.ApplicationVersion, options.UnloadAfter) = ("v2", TimeSpan.Zero), Waiting("decision"));
        Assert.Equal(("A", true, null), Assert.Single(await engine.Versions.AdoptAsync("v1", Cancel)));
        await engine.SendAsync("A", 7, "decision", cancellationToken: Cancel);

        Assert.Equal(7, await engine.ResultAsync<int>("A"));

        static WorkflowDefinition<int, int> Waiting(string topic) =>
            Workflow.Define<int, int>("waiting").Receive<int>(topic).As(out var message).Return(x => x.Get(message));
    }

    [Fact]
    public async Task What_is_half_undone_is_not_adopted_by_code_that_cannot_undo_the_rest()
    {
        var gate = new Probe();
        var old = Workflow.Define<int>("undone", Old);
        var engine = await LaunchAsync(old);
        await engine.BeginAsync(old, 1, "A");
        await gate.ReachedAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        engine = await LaunchAsync(options => options.ApplicationVersion = "v2", Workflow.Define<int>("undone", Next));
        var (_, adopted, why) = Assert.Single(await engine.Versions.AdoptAsync("v1", Cancel));
        Assert.False(adopted);
        Assert.Contains("not each of them can be undone by this code", why);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        // The same code under another name of its version goes on by itself.
        gate.Open();
        engine = await LaunchAsync(options => options.ApplicationVersion = "v3", Workflow.Define<int>("undone", Old));
        var failure = await engine.Retrieve<Unit>("A").FailureAsync();
        Assert.Contains("This step fails", failure.Message);

        async IAsyncEnumerable<Step> Old(int input, WorkflowContext workflow)
        {
            yield return Step.Run("first", _ => Task.CompletedTask).CompensateWith(_ => Task.CompletedTask);
            yield return Step.Run("second", _ => Task.CompletedTask).CompensateWith(s => gate.PassAsync(s));
            yield return Step.Run("third", Task (_) => throw new InvalidOperationException("This step fails."));
        }

        async IAsyncEnumerable<Step> Next(int input, WorkflowContext workflow)
        {
            yield return Step.Run("first", _ => Task.CompletedTask);
            yield return Step.Run("second", _ => Task.CompletedTask).CompensateWith(s => gate.PassAsync(s));
            yield return Step.Run("third", Task (_) => throw new InvalidOperationException("This step fails."));
        }
    }

    /// <summary>A step, a message, another step, another message.</summary>
    private static WorkflowDefinition<int, string> Versioned(Counts counts, string first, string second) =>
        Workflow.Define<int, string>("versioned")
            .Step(first, _ => Task.FromResult(counts.Add(first)))
            .Receive<int>("go", TimeSpan.FromDays(2)).As(out var one)
            .Step(second, _ => Task.FromResult(counts.Add(second)))
            .Receive<int>("go", TimeSpan.FromDays(2)).As(out var two)
            .Return(x => $"{x.Get(one).Value} {x.Get(two).Value}");
}
