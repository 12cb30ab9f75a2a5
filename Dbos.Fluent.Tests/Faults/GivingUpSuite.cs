using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>Callers that give up, and engines that stop, in the middle of what they do. Scenario CC-10.</summary>
public abstract class GivingUpSuite(IDatabaseFixture fixture) : FaultSuite(fixture)
{
    // What was given up may still write.
    protected override bool SharesDatabases => false;

    [Fact]
    public async Task Giving_up_the_wait_for_a_result_does_not_cancel_the_workflow()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<int, int>("gated", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.StartAsync(workflow, 1, new() { Id = "w0" }, Cancel);
        await gate.ReachedAsync();

        using var giveUp = new CancellationTokenSource();
        var waiting = handle.GetResultAsync(giveUp.Token);
        await giveUp.CancelAsync();
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Within(Bounded.Limit));
        gate.Open();

        Assert.Equal(giveUp.Token, thrown.CancellationToken);
        Assert.Equal(1, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(WorkflowState.Success, (await engine.GetStatusAsync("w0", Cancel))!.State);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", async step => await gate.PassAsync(step));
            yield return input;
        }
    }

    [Fact]
    public async Task A_start_given_up_at_a_random_moment_leaves_no_row_or_one_that_runs_to_its_end()
    {
        const int rounds = 200;
        var random = Seeds.Next(out var seed);
        var engine = await LaunchAsync(Workflows.All);
        var outcomes = new List<bool>();
        for (var round = 0; round < rounds; round++)
        {
            using var giveUp = new CancellationTokenSource();
            giveUp.CancelAfter(TimeSpan.FromMicroseconds(random.Next(0, 10_000)));
            outcomes.Add(await StartedAsync(engine, $"w{round}", giveUp.Token));
        }

        await Eventually.TrueAsync(
            async () => await Database.UnfinishedAsync() == 0,
            Bounded.Limit,
            $"every row runs to its end (seed {seed})");
        var rows = await Database.WorkflowsAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {outcomes.Count(started => started)} returned, {rows} rows");
        Assert.InRange(rows, outcomes.Count(started => started), rounds);
        await EverythingRanOnceAsync((int)rows);
    }

    // A deployment is no failure of the workflows that it meets: their steps are told to stop before the engine refuses their calls.
    [Fact]
    public async Task A_body_that_calls_an_engine_that_is_stopping_fails_no_workflow()
    {
        var (gate, holding) = (new Probe(), false);
        var (refused, claims, claimed) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        var calling = Workflow.Define<int, int>("calling", Body);
        var faults = new CallFaults
        {
            Before = async (call, _) =>
            {
                if (call.Kind == StoreCallKind.Claim && Volatile.Read(ref holding))
                {
                    claims.TrySetResult();
                    await claimed.Task;
                }
            },
        };
        var engine = await LaunchFaultyAsync(faults, options => options.Add(calling).Add(new WorkflowQueue("line")));
        await engine.StartAsync(calling, 3, new() { Id = "w0" }, Cancel);
        await gate.ReachedAsync();
        Volatile.Write(ref holding, true);
        await engine.StartAsync(Workflows.Chain, 1, new() { Id = "w1", Queue = "line" }, Cancel);
        await claims.Task.Within(Bounded.Limit);

        var stopping = engine.StopAsync(TimeSpan.FromSeconds(1), Cancel);
        gate.Open();
        await refused.Task.Within(Bounded.Limit);
        claimed.SetResult();
        await stopping.Within(Bounded.Limit);

        Assert.Equal(0, await Database.WorkflowsAsync("status = 'ERROR'"));
        var next = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), [calling, .. Workflows.All]);
        Assert.Equal(3, await next.Retrieve<int>("w0").GetResultAsync(Cancel).Within(Bounded.Limit));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("call", async step =>
            {
                await gate.PassAsync(CancellationToken.None);
                try
                {
                    await step.Workflows.StartAsync(Workflows.Chain, 1, new() { Id = "w2" }, CancellationToken.None);
                }
                catch (EngineNotRunningException)
                {
                    refused.TrySetResult();
                    throw;
                }
            });
            yield return input;
        }
    }

    [Fact]
    public async Task An_engine_disposed_while_a_claim_is_under_way_hands_back_what_it_took()
    {
        var first = await LaunchAsync(Workflows.All);
        await (await first.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);
        await first.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET status = 'ENQUEUED', queue_name = '_dbos_internal_queue', owner_xid = NULL, completed_at = NULL");
        var claimed = new Probe();
        var faults = new CallFaults { After = (call, _) => call.Claimed.Count > 0 ? claimed.PassAsync(Cancel) : Task.CompletedTask };

        var engine = await LaunchFaultyAsync(faults);
        await claimed.ReachedAsync();
        var stopping = engine.StopAsync(TimeSpan.Zero, Cancel);
        claimed.Open();
        await stopping.Within(Bounded.Limit);

        Assert.Equal("ENQUEUED", await Database.ScalarAsync("SELECT status FROM workflow_status"));
        var successor = await LaunchAsync(Workflows.All);
        Assert.Equal(2, await successor.Retrieve<int>("w0").GetResultAsync(Cancel).Within(Bounded.Limit));
        await EverythingRanOnceAsync(workflows: 1, attempts: 2);
    }

    [Theory]
    [InlineData("line")]
    [InlineData("narrow")]
    [InlineData("parted")]
    public async Task What_was_claimed_from_a_queue_while_the_engine_stops_goes_back_to_its_place_there(string queue)
    {
        var (claimed, gate) = (new Probe(), new Probe());
        var faults = new CallFaults { After = (call, _) => call.Claimed.Count > 0 ? claimed.PassAsync(Cancel) : Task.CompletedTask };
        var gated = Workflow.Define<int, int>("gated").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);
        var engine = await LaunchFaultyAsync(faults, Configure);
        var options = new StartOptions { Queue = queue, PartitionKey = queue == "parted" ? "a" : null };
        await engine.StartManyAsync(
            gated, [(0, options with { Id = "w0", Priority = 3 }), (1, options with { Id = "w1", Priority = 4 })], Cancel);
        await claimed.ReachedAsync();

        var stopping = engine.StopAsync(TimeSpan.Zero, Cancel);
        claimed.Open();
        await stopping.Within(Bounded.Limit);

        Assert.Equal(
            [["ENQUEUED", queue, "3", "0"], ["ENQUEUED", queue, "4", "0"]],
            await Database.QueryAsync(
                "SELECT status, queue_name, priority, COALESCE(recovery_attempts, 0) FROM workflow_status ORDER BY workflow_uuid"));
        gate.Open();
        var successor = await LaunchFaultyAsync(new CallFaults(), Configure);
        Assert.Equal(1, (await AllEndAsync(successor, count: 2)).Sum());
        Assert.Equal(2, await Database.SucceededAsync());

        void Configure(EngineOptions engineOptions) => engineOptions.Add(gated).Add(
            new WorkflowQueue("line"), new("narrow") { Concurrency = 1 }, new("parted") { PartitionConcurrency = 1 });
    }

    [Fact]
    public async Task An_engine_disposed_in_the_middle_of_many_starts_leaves_nothing_that_nobody_owns()
    {
        const int count = 200;
        var engine = await LaunchAsync(Workflows.All);
        var starts = Enumerable.Range(0, count)
            .Select(number => Task.Run(() => engine.StartAsync(Workflows.Chain, 3, new() { Id = $"w{number}" }, Cancel), Cancel))
            .ToList();
        await starts[0].Within(Bounded.Limit);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var refused = 0;
        foreach (var start in starts)
        {
            try
            {
                await start.Within(Bounded.Limit);
            }
            catch (EngineNotRunningException)
            {
                refused++;
            }
        }

        Assert.Equal(0, await Database.WorkflowsAsync("status = 'PENDING'"));
        await LaunchSuccessorAndEndAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{refused} of {count} starts were refused");
        Assert.InRange(await Database.WorkflowsAsync(), count - refused, count);
    }

    [Fact]
    public async Task A_start_whose_acknowledgement_comes_after_the_engine_has_handed_on_does_not_run_there()
    {
        var answer = new Probe();
        var faults = new CallFaults
        {
            After = (call, _) =>
            {
                if (call.Kind == StoreCallKind.Stop)
                {
                    answer.Open();
                }

                return call.Subjects.Contains("start w0") ? answer.PassAsync(Cancel) : Task.CompletedTask;
            },
        };
        var engine = await LaunchFaultyAsync(faults);
        var start = engine.StartAsync(Workflows.Chain, 3, new() { Id = "w0" }, Cancel);
        await answer.ReachedAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Task.WhenAny(start).Within(Bounded.Limit);

        Assert.Equal("ENQUEUED", await Database.ScalarAsync("SELECT status FROM workflow_status"));
        Assert.Empty(Ledger.Read());
        await LaunchSuccessorAndEndAsync();
        await EverythingRanOnceAsync(workflows: 1);
    }

    [Fact]
    public async Task A_start_that_is_being_written_when_the_engine_stops_is_handed_on_with_the_rest()
    {
        var writing = new Probe();
        var handingOn = new TaskCompletionSource();
        var faults = new CallFaults
        {
            Before = (call, _) =>
            {
                if (call.Kind == StoreCallKind.Stop)
                {
                    handingOn.TrySetResult();
                }

                return call.Subjects.Contains("start w0") ? writing.PassAsync(Cancel) : Task.CompletedTask;
            },
        };
        var engine = await LaunchFaultyAsync(faults);
        _ = engine.StartAsync(Workflows.Chain, 1, new() { Id = "w0" }, Cancel);
        await writing.ReachedAsync();

        var stopping = engine.StopAsync(TimeSpan.Zero, Cancel);
        var early = await Task.WhenAny(handingOn.Task, new Random(0).MomentAsync(TimeSpan.FromMilliseconds(500)));
        writing.Open();
        await stopping.Within(Bounded.Limit);

        Assert.NotSame(handingOn.Task, early);
        Assert.Equal("ENQUEUED", await Database.ScalarAsync("SELECT status FROM workflow_status"));
    }

    [Fact]
    public async Task A_stopped_engine_refuses_to_start_anything()
    {
        var engine = await LaunchAsync(Workflows.All);
        var stopping = engine.StopAsync(TimeSpan.Zero, Cancel);

        await Assert.ThrowsAsync<EngineNotRunningException>(() => engine.StartAsync(Workflows.Chain, 1, cancellationToken: Cancel));

        await stopping.Within(Bounded.Limit);
        Assert.Equal(0, await Database.WorkflowsAsync());
    }

    private async Task<bool> StartedAsync(WorkflowEngine engine, string id, CancellationToken giveUp)
    {
        try
        {
            await engine.StartAsync(Workflows.Chain, 2, new() { Id = id }, giveUp).Within(Bounded.Limit);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task LaunchSuccessorAndEndAsync()
    {
        await LaunchAsync(options => options.ExecutorId = "executor-2", Workflows.All);
        await Eventually.TrueAsync(
            async () => await Database.UnfinishedAsync() == 0,
            TimeSpan.FromSeconds(10),
            "every row runs to its end without waiting for a lease");
    }
}
