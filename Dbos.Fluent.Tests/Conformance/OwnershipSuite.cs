namespace Dbos.Fluent.Tests.Conformance;

/// <summary>A run writes only while it owns its workflow; whoever awaits it gets what the row says. Scenarios OW.</summary>
public abstract class OwnershipSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();
    private readonly Probe gate = new();

    [Fact]
    public async Task A_run_that_lost_its_workflow_writes_neither_checkpoint_nor_outcome()
    {
        var workflow = Gated();
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, 1, "A");
        await gate.ReachedAsync();
        await Database.ExecuteAsync("UPDATE workflow_status SET owner_xid = 'somebody else', executor_id = 'another'");

        gate.Open();
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);

        Assert.Equal(
            [["PENDING", "somebody else", "another"]],
            await Database.QueryAsync("SELECT status, owner_xid, executor_id FROM workflow_status"));
        Assert.Equal((0, 0), (await CheckpointCountAsync("A"), counts["after"]));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_output"));
    }

    [Fact]
    public async Task The_step_of_a_run_that_lost_its_workflow_is_told()
    {
        var reason = new TaskCompletionSource<CancellationReason>();
        var workflow = Workflow.Define<Unit>("told", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await Database.ExecuteAsync("UPDATE workflow_status SET owner_xid = 'somebody else', executor_id = 'another'");

        Assert.Equal(CancellationReason.Shutdown, await reason.Task.Within(Bounded.Limit));
        gate.Open();

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async s =>
            {
                s.CancellationToken.Register(() => reason.TrySetResult(s.CancellationReason));
                await gate.PassAsync();
            });
        }
    }

    [Fact]
    public async Task Whoever_awaits_gets_the_outcome_that_the_other_owner_stored()
    {
        var workflow = Gated();
        var engine = await LaunchAsync(workflow);
        Assert.Equal(7, await engine.RunAsync(workflow, 7, "model"));
        var handle = await engine.BeginAsync(workflow, 1, "A");
        await gate.ReachedAsync();

        await Database.ExecuteAsync(
            """
            UPDATE workflow_status SET status = 'SUCCESS', owner_xid = NULL, completed_at = created_at WHERE workflow_uuid = 'A';
            INSERT INTO workflow_output (workflow_uuid, output, retention_timestamp)
            SELECT 'A', output, retention_timestamp FROM workflow_output WHERE workflow_uuid = 'model';
            """);

        Assert.Equal(7, await handle.ResultAsync());
        gate.Open();
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(0, await CheckpointCountAsync("A"));
    }

    [Fact]
    public async Task A_handle_of_the_former_owner_gets_the_result_of_the_next()
    {
        var workflow = Gated();
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, 5, "A");
        await gate.ReachedAsync();
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", workflow);
        var handle = engine.Retrieve<int>("A");
        var waiting = handle.ResultAsync();
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET status = 'ENQUEUED', owner_xid = NULL, queue_name = '_dbos_internal_queue'");
        await gate.ReachedAsync();

        gate.Open();

        Assert.Equal(5, await waiting);
        Assert.Equal(5, await other.Retrieve<int>("A").ResultAsync());
        Assert.Equal(2, await CheckpointCountAsync("A"));
        Assert.Equal(1, counts["after"]);
    }

    private WorkflowDefinition<int, int> Gated()
    {
        return Workflow.Define<int, int>("gated", Body);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            if (workflow.WorkflowId != "model")
            {
                yield return Step.Run("gate", _ => gate.PassAsync(CancellationToken.None));
                yield return Step.Run("after", async _ => counts.Add("after"));
            }

            yield return input;
        }
    }
}
