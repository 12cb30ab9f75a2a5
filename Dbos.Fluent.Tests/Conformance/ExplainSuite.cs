namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Why a workflow is where it is: each reason.</summary>
public abstract class ExplainSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task What_a_parked_workflow_waits_for_is_told_wherever_it_is_asked()
    {
        var child = Workflow.Define<int, int>("child").Sleep(TimeSpan.FromDays(3)).Return(_ => 1);
        var workflow = Workflow.Define<string, int>("waiting", Body);
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, workflow, child);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        foreach (var kind in new[] { "message", "any message", "event", "child", "sleep" })
        {
            await engine.BeginAsync(workflow, kind, kind);
            await Parkable.ParkedAsync(engine, kind);
        }

        foreach (var asked in new[] { engine, client })
        {
            await IsAsync(asked, "message", "waiting-for-message", "waits for a message on topic 'approval' until 2");
            await IsAsync(asked, "any message", "waiting-for-message", "waits for a message without a topic, without an end");
            await IsAsync(asked, "event", "waiting-for-event", "waits for event 'k' of workflow 'elsewhere' until 2");
            await IsAsync(asked, "child", "waiting-for-workflow", "waits for workflow 'child-0' to end, without an end");
            await IsAsync(asked, "sleep", "sleeping", "sleeps until 2");
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await IsAsync(client, "message", "waiting-for-message", "Then nobody takes it up: no engine of application 'tests' is alive");
        await Database.ExecuteAsync("UPDATE fluent_waits SET wake_at = 1 WHERE workflow_uuid = 'sleep'");
        await IsAsync(client, "sleep", "no-engine", "waits in vain: no engine of application 'tests' is alive. Launch one.");

        async IAsyncEnumerable<StepOr<int>> Body(string kind, WorkflowContext workflow)
        {
            switch (kind)
            {
                case "message":
                    yield return Step.Receive<int>("approval", TimeSpan.FromDays(2));
                    break;
                case "any message":
                    yield return Step.Receive<int>();
                    break;
                case "event":
                    yield return Step.GetEvent<int>("elsewhere", "k", TimeSpan.FromDays(2));
                    break;
                case "child":
                    yield return Step.Call(child, 1);
                    break;
                default:
                    yield return Step.Sleep(TimeSpan.FromDays(2));
                    break;
            }

            yield return 1;
        }
    }

    // What ends such a wait first is known to nobody; each is told.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_a_group_all_that_it_waits_for_is_told(bool parked)
    {
        var never = Workflow.Define<int, int>("never").Receive<int>("n").As(out var message).Return(x => x.Get(message));
        var either = Workflow.Define<int, int>("either", Either);
        var first = Workflow.Define<int, int>("first", First);
        var engine = await LaunchAsync(
            options => options.UnloadAfter = parked ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, never, either, first);
        await engine.BeginAsync(either, 1, "E");
        await engine.BeginAsync(first, 6, "F");
        foreach (var id in parked ? new[] { "E", "F" } : [])
        {
            await Parkable.ParkedAsync(engine, id);
        }

        // The members begin to wait one after the other.
        const string Last = "; waits for event 'k' of workflow 'F' until 2";
        await Eventually.TrueAsync(
            async () => (await engine.ExplainAsync("E", Cancel)).Text.Contains(Last), Bounded.Limit, "all members wait");
        await IsAsync(engine, "E", "waiting-for-message", "waits for a message on topic 'approval', without an end; sleeps until 2");
        await BecomesAsync(engine, "F", "waiting-for-workflow", "waits for workflow 'F-0' to end, without an end; waits for");
        await IsAsync(engine, "F", "waiting-for-workflow", "'F-3' to end, without an end; and for 2 more");

        static async IAsyncEnumerable<StepOr<int>> Either(int input, WorkflowContext workflow)
        {
            yield return Step.Any(
                Step.Sleep(TimeSpan.FromDays(2)),
                Step.Receive<int>("approval"),
                Step.GetEvent<int>("F", "k", TimeSpan.FromDays(3)),
                Step.Sleep(TimeSpan.FromDays(9))).As(out var winner);
            yield return winner.Result;
        }

        async IAsyncEnumerable<StepOr<int>> First(int input, WorkflowContext workflow)
        {
            yield return Step.StartMany(never, [.. Enumerable.Range(0, input)]).As(out var started);
            yield return Step.AwaitAny(started.Result).As(out var winner);
            yield return winner.Result;
        }
    }

    [Fact]
    public async Task What_a_run_in_memory_does_or_waits_for_is_told_by_its_engine()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<string, int>("running", Body);
        var engine = await LaunchAsync(options => options.UnloadAfter = Timeout.InfiniteTimeSpan, workflow);
        var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        await using var _ = client;
        foreach (var kind in new[] { "step", "stream", "message" })
        {
            await engine.BeginAsync(workflow, kind, kind);
        }

        await gate.ReachedAsync();
        await IsAsync(engine, "step", "running", "runs here, at executor 'executor-1' at step 'held' (0)");
        await IsAsync(client, "step", "running", "runs at executor 'executor-1' (version v1)");
        await BecomesAsync(engine, "stream", "waiting-for-stream", "waits for value 0 of stream 'k' of workflow 'step'");
        await BecomesAsync(engine, "message", "waiting-for-message", "waits for a message on topic 't'");
        await BecomesAsync(client, "message", "running", "runs at executor 'executor-1'");
        gate.Open();

        // As a process that died on another host long ago.
        await engine.ResultAsync<int>("step");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("step");
        await IsAsync(client, "step", "owner-dead", "belongs to executor 'executor-1', which has been dead since 2");
        await Database.ExecuteAsync("UPDATE workflow_status SET executor_id = 'nobody' WHERE workflow_uuid = 'step'");
        await IsAsync(client, "step", "owner-dead", "'nobody', which is not registered. No engine that is alive would take it");

        async IAsyncEnumerable<StepOr<int>> Body(string kind, WorkflowContext workflow)
        {
            switch (kind)
            {
                case "step":
                    yield return Step.Run("held", async _ => await gate.PassAsync());
                    break;
                case "stream":
                    yield return Step.ReadStream<int>("step", "k", 0);
                    break;
                default:
                    yield return Step.Receive<int>("t");
                    break;
            }

            yield return 1;
        }
    }

    [Fact]
    public async Task What_is_in_the_way_in_a_queue_is_told()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<int, int>("held").Step("held", async _ => await gate.PassAsync()).Return(_ => 1);
        WorkflowQueue[] queues =
        [
            new("all") { Concurrency = 1 },
            new("worker") { WorkerConcurrency = 1 },
            new("partition") { PartitionConcurrency = 1 },
            new("rate") { RateLimit = new(1, TimeSpan.FromHours(1)) },
            new("partition rate") { PartitionRateLimit = new(1, TimeSpan.FromHours(1)) },
            new("partition worker") { PartitionWorkerConcurrency = 1 },
            new("paused"),
        ];
        var engine = await LaunchAsync(options => options.Add(queues), workflow);
        await engine.Queues.PauseAsync("paused", Cancel);
        foreach (var queue in queues[..^1])
        {
            var key = queue.Name.StartsWith("partition", StringComparison.Ordinal) ? "p" : null;
            await engine.StartAsync(workflow, 1, new() { Id = $"first {queue.Name}", Queue = queue, PartitionKey = key }, Cancel);
            await gate.ReachedAsync();
            await engine.StartAsync(workflow, 1, new() { Id = queue.Name, Queue = queue, PartitionKey = key }, Cancel);
        }

        await engine.StartAsync(workflow, 1, new() { Id = "paused", Queue = "paused" }, Cancel);
        await engine.StartAsync(workflow, 1, new() { Id = "delayed", Delay = TimeSpan.FromDays(2) }, Cancel);
        await Database.ExecuteAsync(
            """
            INSERT INTO workflow_status (workflow_uuid, status, name, application_name, application_version, queue_name, priority,
                   recovery_attempts, created_at, updated_at)
            VALUES ('old', 'ENQUEUED', 'held', 'tests', 'v0', 'all', 0, 0, 1, 1),
                   ('unknown', 'ENQUEUED', 'unheard of', 'tests', 'v1', 'all', 0, 0, 1, 1),
                   ('homeless', 'ENQUEUED', 'held', 'nobody', 'v1', 'all', 0, 0, 1, 1)
            """);

        await IsAsync(engine, "all", "queue-limit", "waits in queue 'all': 1 of at most 1 run (Concurrency)");
        await IsAsync(engine, "worker", "worker-limit", "1 runs at 1 engine, which takes at most 1 (WorkerConcurrency)");
        await IsAsync(engine, "partition", "partition-limit", "partition 'p' of queue 'partition': 1 of at most 1 run");
        await IsAsync(engine, "rate", "rate-limit", "1 were started within 01:00:00 (RateLimit); the next may start at 2");
        await IsAsync(engine, "partition rate", "rate-limit", "(PartitionRateLimit); the next may start at 2");
        await IsAsync(
            engine, "partition worker", "partition-limit", "1 runs at 1 engine, which takes at most 1 (PartitionWorkerConcurrency)");
        await IsAsync(engine, "paused", "queue-paused", "Queues.ResumeAsync ends that");
        await IsAsync(engine, "delayed", "delayed", "is delayed until 2");
        await IsAsync(engine, "old", "version-not-running", "no engine that is alive runs version 'v0'");
        await IsAsync(engine, "unknown", "name-not-served", "no engine that is alive has a workflow 'unheard of'");
        await IsAsync(engine, "homeless", "no-engine", "no engine of application 'nobody' is alive");
        gate.Open();
        await engine.ResultAsync<int>("all");
    }

    // Each application has a latest version of its own.
    [Fact]
    public async Task Work_of_no_application_is_for_the_latest_version_of_each()
    {
        var workflow = Workflow.Define<int, int>("open").Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("q")), workflow);
        var later = await LaunchAsync(
            options => (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("later", "l1", "e2"),
            Workflow.Define<int, int>("elsewhere").Return(x => x.Input));
        await engine.Queues.PauseAsync("q", Cancel);
        await Database.ExecuteAsync(
            """
            INSERT INTO workflow_status (workflow_uuid, status, name, application_name, executor_id, queue_name, priority,
                   recovery_attempts, created_at, updated_at)
            VALUES ('A', 'ENQUEUED', 'open', NULL, NULL, 'q', 0, 0, 1, 1),
                   ('B', 'PENDING', 'theirs', 'typescript', 'e9', NULL, 0, 1, 1, 1)
            """);

        await IsAsync(engine, "A", "queue-paused", "Queues.ResumeAsync ends that");
        await IsAsync(engine, "B", "owner-unknown", "executor 'e9' of application 'typescript', which has no engine of this library");
        var newer = await LaunchAsync(
            options => (options.ApplicationVersion, options.ExecutorId) = ("v2", "e3"),
            Workflow.Define<int, int>("open").Step("new", _ => Task.CompletedTask).Return(x => x.Input));
        await newer.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await IsAsync(later, "A", "version-not-running", "it is for the latest, 'v2', which no engine that is alive runs");
    }

    [Fact]
    public async Task Under_a_limit_that_was_lowered_the_next_starts_when_enough_have_left_the_window()
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var window = TimeSpan.FromHours(1);
        var queue = new WorkflowQueue("q") { RateLimit = new(3, window), PartitionRateLimit = new(3, window) };
        var engine = await LaunchAsync(options => options.Add(queue), workflow);
        foreach (var n in Enumerable.Range(0, 3))
        {
            await engine.StartAsync(workflow, n, new() { Id = $"w{n}", Queue = "q", PartitionKey = "p" }, Cancel);
            await engine.ResultAsync<int>($"w{n}");
        }

        await Database.ExecuteAsync(
            "UPDATE workflow_status SET started_at_epoch_ms = started_at_epoch_ms - "
            + "CASE workflow_uuid WHEN 'w0' THEN 2400000 WHEN 'w1' THEN 1200000 ELSE 0 END");
        var second = await Database.CountAsync("SELECT started_at_epoch_ms FROM workflow_status WHERE workflow_uuid = 'w1'");
        var next = DateTimeOffset.FromUnixTimeMilliseconds(second).Add(window).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'");
        await LowerAsync(queue with { RateLimit = new(2, window), PartitionRateLimit = new(2, window) });
        await engine.StartAsync(workflow, 3, new() { Id = "A", Queue = "q", PartitionKey = "p" }, Cancel);

        await IsAsync(
            engine, "A", "rate-limit", $"3 of at most 2 were started within 01:00:00 (RateLimit); the next may start at {next}");
        await LowerAsync(queue with { RateLimit = null, PartitionRateLimit = new(2, window) });
        await IsAsync(
            engine,
            "A",
            "rate-limit",
            $"3 of at most 2 were started within 01:00:00 (PartitionRateLimit); the next may start at {next}");

        Task LowerAsync(WorkflowQueue lower) => engine.Queues.RegisterAsync(lower, OnConflict.AlwaysUpdate, Cancel);
    }

    [Fact]
    public async Task What_has_no_partition_key_in_a_queue_with_partitions_waits_for_its_like()
    {
        var workflow = Workflow.Define<int, int>("held").Return(x => x.Input);
        var engine = await LaunchAsync(
            options =>
            {
                options.ListenTo = ["other"];
                options.Add(new WorkflowQueue("partition") { PartitionConcurrency = 1 });
            },
            workflow);
        await Database.ExecuteAsync(
            """
            INSERT INTO workflow_status (workflow_uuid, status, name, application_name, application_version, queue_name, priority,
                   recovery_attempts, created_at, updated_at)
            VALUES ('keyless', 'ENQUEUED', 'held', 'tests', 'v1', 'partition', 0, 0, 1, 1)
            """);
        await IsAsync(engine, "keyless", "queued", "of all without a partition key and nothing holds it back");
        await Database.ExecuteAsync(
            """
            INSERT INTO workflow_status (workflow_uuid, status, name, application_name, application_version, queue_name,
                   queue_partition_key, priority, recovery_attempts, created_at, updated_at)
            VALUES ('running', 'PENDING', 'elsewhere', 'tests', 'v1', 'partition', '_none', 0, 1, 1, 1)
            """);

        await IsAsync(engine, "keyless", "partition-limit", "of all without a partition key: 1 of at most 1 run");
    }

    [Fact]
    public async Task How_it_ended_is_told_and_an_unknown_id_is_an_error()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<string, int>("ending", Body);
        var engine = await LaunchAsync(options => options.ListenTo = ["other"], workflow);
        await engine.RunAsync(workflow, "well", "A");
        await (await engine.BeginAsync(workflow, "badly", "B")).FailureAsync();
        var cancelled = await engine.BeginAsync(workflow, "held", "C");
        await gate.ReachedAsync();
        await engine.CancelAsync("C", cancellationToken: Cancel);
        await cancelled.CancellationAsync();
        await (await engine.BeginAsync(workflow, "held", "D", TimeSpan.FromMilliseconds(1))).CancellationAsync();
        await Database.ExecuteAsync(
            """
            INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, priority, recovery_attempts, created_at, updated_at)
            VALUES ('E', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', 'ending', 'e7', 0, 102, 1, 1)
            """);
        await engine.StartAsync(workflow, "well", new() { Id = "F", Queue = "unserved" }, Cancel);
        await engine.Queues.RegisterAsync(new("not listened to"), cancellationToken: Cancel);
        await engine.StartAsync(workflow, "well", new() { Id = "G", Queue = "not listened to" }, Cancel);

        await IsAsync(engine, "A", "finished", "Workflow 'A' (ending) finished at 2");
        await IsAsync(engine, "B", "failed", "System.NotSupportedException: so it is");
        await IsAsync(engine, "C", "cancelled", "Resuming it lets it go on");
        await IsAsync(engine, "D", "timed-out", "as its deadline had passed");
        await IsAsync(engine, "E", "dead-lettered", "it was taken up 101 times and its process died each time, last at executor 'e7'");
        await IsAsync(engine, "F", "queue-not-registered", "queue 'unserved', which nobody has registered");
        await IsAsync(engine, "G", "queued", "by an engine that serves that queue and has room");
        var unknown = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.ExplainAsync("unheard of", Cancel));
        Assert.Equal("unheard of", unknown.WorkflowId);
        await Assert.ThrowsAsync<ArgumentException>(() => engine.ExplainAsync(" ", Cancel));
        gate.Open();

        async IAsyncEnumerable<StepOr<int>> Body(string how, WorkflowContext workflow)
        {
            if (how == "badly")
            {
                throw new NotSupportedException("so it is");
            }

            if (how == "held")
            {
                yield return Step.Run("held", async step => await gate.PassAsync(step));
            }

            yield return 1;
        }
    }

    internal static async Task IsAsync(WorkflowClient client, string id, string reason, string text)
    {
        var explanation = await client.ExplainAsync(id, Cancel).Within(Bounded.Limit);
        Assert.Equal((id, reason), (explanation.WorkflowId, explanation.Reason));
        Assert.Contains(text, explanation.Text);
    }

    private static async Task BecomesAsync(WorkflowClient client, string id, string reason, string text)
    {
        await Eventually.TrueAsync(
            async () => (await client.ExplainAsync(id, Cancel)).Reason == reason, Bounded.Limit, $"{id} is explained by {reason}");
        await IsAsync(client, id, reason, text);
    }
}
