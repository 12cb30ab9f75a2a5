using static Dbos.Fluent.Tests.Conformance.ExplainSuite;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Why a workflow waits in a queue that not every engine serves, or that another program has made.</summary>
public abstract class ExplainQueueSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Probe gate = new();

    private WorkflowDefinition<int, int> Held => field ??=
        Workflow.Define<int, int>("held").Step("held", async _ => await gate.PassAsync()).Return(_ => 1);

    // The other engine could take one more, and never does.
    [Theory]
    [InlineData("worker", "worker-limit", "(WorkerConcurrency)")]
    [InlineData("partition worker", "partition-limit", "(PartitionWorkerConcurrency)")]
    public async Task A_limit_for_each_engine_is_told_where_some_engines_do_not_serve_the_queue(string name, string reason, string text)
    {
        var isPartition = reason == "partition-limit";
        var queue = isPartition ? new WorkflowQueue(name) { PartitionWorkerConcurrency = 1 } : new(name) { WorkerConcurrency = 1 };
        var engine = await LaunchAsync(options => options.Add(queue), Held);
        await LaunchAsync(options => (options.ExecutorId, options.ListenTo) = ("idle", ["other"]), Held);
        var key = isPartition ? "p" : null;
        await engine.StartAsync(Held, 1, new() { Id = "first", Queue = name, PartitionKey = key }, Cancel);
        await gate.ReachedAsync();
        await engine.StartAsync(Held, 1, new() { Id = "second", Queue = name, PartitionKey = key }, Cancel);

        await IsAsync(engine, "second", reason, "1 runs at 1 engine, which takes at most 1 " + text);
        gate.Open();
        Assert.Equal(1, await engine.ResultAsync<int>("second"));
    }

    // One engine is full, and one has died with fewer: nobody knows who takes the next.
    [Theory]
    [InlineData("worker", "(WorkerConcurrency)")]
    [InlineData("partition worker", "(PartitionWorkerConcurrency)")]
    public async Task A_limit_that_only_some_engines_have_reached_is_not_kept_quiet(string name, string text)
    {
        var engine = await LaunchAsync(
            options =>
            {
                // Rows of executors that never were are handed on after a lease.
                (options.ListenTo, options.Lease) = (["other"], TimeSpan.FromHours(1));
                options.Add(new WorkflowQueue("worker") { WorkerConcurrency = 2 })
                    .Add(new WorkflowQueue("partition worker") { PartitionWorkerConcurrency = 2 });
            },
            Held);
        await engine.StartAsync(Held, 1, new() { Id = "waiting", Queue = name, PartitionKey = name == "worker" ? null : "p" }, Cancel);
        foreach (var (id, executor) in new[] { ("a", "full"), ("b", "full"), ("c", "free") })
        {
            await Database.ExecuteAsync(
                $"""
                INSERT INTO workflow_status (workflow_uuid, status, name, application_name, executor_id, queue_name, queue_partition_key,
                       priority, recovery_attempts, created_at, updated_at)
                VALUES ('{id}', 'PENDING', 'held', 'tests', '{executor}', '{name}', 'p', 0, 1, 1, 1)
                """);
        }

        await IsAsync(engine, "waiting", "queued", "some engines run as many as they take, 2 each " + text);
    }

    // Other SDKs accept such a limit, and nothing that Queues.ResumeAsync does would help.
    [Theory]
    [InlineData("concurrency = 0")]
    [InlineData("partition_worker_concurrency = 0")]
    [InlineData("rate_limit_max = 0, rate_limit_period_sec = 1")]
    public async Task A_queue_that_another_program_has_shut_is_told_from_one_that_is_paused(string limit)
    {
        var engine = await LaunchAsync(
            options =>
            {
                options.ListenTo = ["other"];
                options.Add(new WorkflowQueue("q"));
            },
            Held);
        await engine.StartAsync(Held, 1, new() { Id = "A", Queue = "q" }, Cancel);
        await Database.ExecuteAsync($"UPDATE queues SET {limit} WHERE name = 'q'");

        await IsAsync(engine, "A", "queue-limit", "queue 'q', which has a limit of zero, set by another program: register it with a limit");
        await engine.Queues.RegisterAsync(new("q") { Concurrency = 1 }, OnConflict.AlwaysUpdate, Cancel);
        await IsAsync(engine, "A", "queued", "nothing holds it back");
        await engine.Queues.PauseAsync("q", Cancel);
        await IsAsync(engine, "A", "queue-paused", "Queues.ResumeAsync ends that");
    }

    [Fact]
    public async Task Work_in_a_queue_of_another_application_is_told_to_be_nobodys()
    {
        var engine = await LaunchAsync(Held);
        await LaunchAsync(
            options =>
            {
                (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("neighbour", "n1", "e2");
                options.Add(new WorkflowQueue("theirs"));
            },
            Held);
        await engine.StartAsync(Held, 1, new() { Id = "A", Queue = "theirs" }, Cancel);

        await IsAsync(
            engine, "A", "queue-not-registered", "queue 'theirs', which belongs to application 'neighbour': nobody of application 'tests'");
        await engine.ResumeAsync("A", cancellationToken: Cancel);
        gate.Open();
        Assert.Equal(1, await engine.ResultAsync<int>("A"));
    }
}
