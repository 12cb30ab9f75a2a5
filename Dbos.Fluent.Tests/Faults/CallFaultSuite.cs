using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>One call fails, before or after it took effect: nothing is lost, nothing is done twice, nothing is left lying.</summary>
public abstract class CallFaultSuite(IDatabaseFixture fixture) : FaultSuite(fixture)
{
    /// <summary>A parent and its child write eight times: two starts, four checkpoints, two outcomes.</summary>
    public static TheoryData<int, bool> Commits { get; } =
        new(Enumerable.Range(1, 8).SelectMany(number => new[] { (number, false), (number, true) }));

    [Theory]
    [MemberData(nameof(Commits))]
    public async Task A_commit_that_fails_is_repeated_and_recognised(int number, bool afterEffect)
    {
        var fault = new NthFault(StoreCallKind.Commit, number, afterEffect);
        var engine = await LaunchFaultyAsync(fault);

        var handle = await engine.StartAsync(Workflows.Parent, 0, new() { Id = "w1" }, Cancel);
        await handle.GetResultAsync(Cancel).Within(Bounded.Limit);

        Assert.Equal(1, fault.Failed);
        await EverythingRanOnceAsync(workflows: 2);
        Assert.Equal(5, await Database.CountAsync("SELECT count(*) FROM operation_outputs"));
    }

    [Theory]
    [InlineData(nameof(StoreCallKind.Claim), false)]
    [InlineData(nameof(StoreCallKind.Claim), true)]
    [InlineData(nameof(StoreCallKind.ReadHistories), false)]
    [InlineData(nameof(StoreCallKind.ReadHistories), true)]
    [InlineData(nameof(StoreCallKind.HandOn), false)]
    [InlineData(nameof(StoreCallKind.HandOn), true)]
    public async Task A_call_of_a_recovery_that_fails_costs_no_attempt_and_strands_nothing(string kind, bool afterEffect)
    {
        await RunAndFlipAsync(count: 20);
        var faults = new CallFaults();
        var failed = 0;
        Func<StoreCall, CancellationToken, Task> failOnce = (call, _) =>
            call.Kind.ToString() == kind && Interlocked.Exchange(ref failed, 1) == 0
                ? throw CallFaults.Unavailable("Once.")
                : Task.CompletedTask;
        (faults.Before, faults.After) = afterEffect ? (faults.Before, failOnce) : (failOnce, faults.After);

        var engine = kind == nameof(StoreCallKind.HandOn)
            ? await RelaunchUntilUpAsync(faults)
            : await LaunchFaultyAsync(faults, options => options.ExecutorId = Executor);
        await AllEndAsync(engine, count: 20);

        Assert.Equal(1, failed);
        await EverythingRanOnceAsync(workflows: 20, attempts: 2);
    }

    [Fact]
    public async Task Claimed_workflows_whose_histories_cannot_be_read_are_handed_back()
    {
        await RunAndFlipAsync(count: 3);
        var failed = 0;
        var faults = new CallFaults
        {
            Before = (call, _) => call.Kind == StoreCallKind.ReadHistories && Interlocked.Exchange(ref failed, 1) == 0
                ? throw new InvalidOperationException("No such thing.")
                : Task.CompletedTask,
        };

        var engine = await LaunchFaultyAsync(
            faults, options => (options.ExecutorId, options.Lease) = (Executor, TimeSpan.FromSeconds(0.6)));
        await AllEndAsync(engine, count: 3);

        // What was claimed and never begun has used up no attempt.
        await EverythingRanOnceAsync(workflows: 3, attempts: 2);
    }

    [Fact]
    public async Task A_workflow_that_finds_the_tables_unusable_is_tried_again_and_not_failed()
    {
        var failed = 0;
        var faults = new CallFaults
        {
            Before = (call, _) => call.Subjects.Contains("checkpoint 0") && Interlocked.Exchange(ref failed, 1) == 0
                ? throw new StoreSchemaException("The right to write was taken away.")
                : Task.CompletedTask,
        };
        var engine = await LaunchFaultyAsync(faults, options => options.Lease = TimeSpan.FromSeconds(2));

        var handle = await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel);
        Assert.Equal(2, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));

        Assert.Equal((2, 1), (Ledger.Count("w0", "0"), Ledger.Count("w0", "1")));
        Assert.Equal(2, (await engine.GetStatusAsync("w0", Cancel))!.RecoveryAttempts);
    }

    [Fact]
    public async Task A_child_that_finds_the_tables_unusable_fails_no_step()
    {
        var failed = 0;
        var faults = new CallFaults
        {
            Before = (call, _) => call.Subjects.Any(subject => subject.StartsWith("start w0-", StringComparison.Ordinal))
                && Interlocked.Exchange(ref failed, 1) == 0
                    ? throw new StoreSchemaException("The right to write was taken away.")
                    : Task.CompletedTask,
        };
        var engine = await LaunchFaultyAsync(faults, options => options.Lease = TimeSpan.FromSeconds(2));

        var handle = await engine.StartAsync(Workflows.Parent, 0, new() { Id = "w0" }, Cancel);
        await handle.GetResultAsync(Cancel).Within(Bounded.Limit);

        Assert.Equal(1, failed);
        Assert.Equal((1, 1), (Ledger.Count("w0", "one"), Ledger.Count("w0", "two")));
    }

    // The same query would be too long the next time too.
    [Fact]
    public async Task Histories_that_cannot_be_read_in_time_are_read_in_smaller_portions()
    {
        await RunAndFlipAsync(count: 8);
        var largest = 0;
        var faults = new CallFaults
        {
            Before = (call, _) => call.Read.Count > 3 ? throw CallFaults.TimedOut() : Task.CompletedTask,
            After = (call, _) =>
            {
                largest = Math.Max(largest, call.Read.Count);
                return Task.CompletedTask;
            },
        };

        var engine = await LaunchFaultyAsync(faults, options => options.ExecutorId = Executor);
        await AllEndAsync(engine, count: 8);

        Assert.InRange(largest, 2, 3);
        await EverythingRanOnceAsync(workflows: 8, attempts: 2);
    }

    [Fact]
    public async Task A_renewal_that_hangs_does_not_cost_the_lease()
    {
        var hung = 0;
        var faults = new CallFaults
        {
            Before = (call, token) => call.Kind == StoreCallKind.Renew && Interlocked.Increment(ref hung) == 1
                ? new TaskCompletionSource().Task.WaitAsync(token)
                : Task.CompletedTask,
        };
        var engine = await LaunchFaultyAsync(faults, options => options.Lease = TimeSpan.FromSeconds(3));
        var first = await ExpiryAsync();

        await Eventually.TrueAsync(async () => await ExpiryAsync() > first, Bounded.Limit, "the lease is renewed all the same");

        Assert.InRange(hung, 2, int.MaxValue);
        Assert.Equal(engine.ExecutorId, Assert.Single(await Database.QueryAsync("SELECT executor_id FROM fluent_executors"))[0]);

        Task<long> ExpiryAsync() => Database.CountAsync($"SELECT {Database.LeaseColumn()} FROM fluent_executors");
    }

    [Fact]
    public async Task A_launch_that_fails_after_it_took_its_lease_gives_it_back()
    {
        var faults = new NthFault(StoreCallKind.HandOn, number: 1, afterEffect: false);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => LaunchFaultyAsync(
            faults,
            options =>
            {
                options.ExecutorId = Executor;
                options.Lease = TimeSpan.FromHours(1);
            }));

        await LaunchAsync(options => options.Lease = TimeSpan.FromHours(1), Workflows.All).Within(Bounded.Limit);

        Assert.Equal(1, faults.Failed);
    }

    [Fact]
    public async Task A_stop_whose_first_word_to_the_database_is_lost_hands_its_work_on_at_once()
    {
        var faults = new NthFault(StoreCallKind.Stop, number: 1, afterEffect: false);
        var workflow = Workflow.Define<Unit, int>("sleeper").Sleep(TimeSpan.FromMilliseconds(200)).Return(_ => 1);
        var engine = await LaunchFaultyAsync(
            faults,
            options =>
            {
                options.Add(workflow);
                options.ExecutorId = "executor-1";
                options.Lease = TimeSpan.FromHours(1);
            });
        await engine.StartAsync(workflow, default, new() { Id = "A" }, Cancel);

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var next = await LaunchAsync(
            options => (options.ExecutorId, options.Lease) = ("executor-2", TimeSpan.FromHours(1)), workflow);

        Assert.Equal(1, await next.Retrieve<int>("A").GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(1, faults.Failed);
    }

    [Theory]
    [InlineData("every call fails")]
    [InlineData("renewals hang")]
    public async Task An_outage_longer_than_the_lease_is_nobodys_death(string how)
    {
        var away = new TaskCompletionSource();
        away.SetResult();
        var faults = new CallFaults
        {
            Before = (call, token) => away.Task.IsCompleted ? Task.CompletedTask
                : how == "every call fails" ? throw CallFaults.Unavailable("Away.")
                : call.Kind == StoreCallKind.Renew ? away.Task.WaitAsync(token)
                : Task.CompletedTask,
        };
        var gate = new Probe();
        var gated = Workflow.Define<int, int>("gated", Body);
        var engines = new List<WorkflowEngine>();
        for (var number = 0; number < 2; number++)
        {
            engines.Add(await LaunchFaultyAsync(faults, options => options.Add(gated).Lease = TimeSpan.FromSeconds(3)));
        }

        var handle = await engines[0].StartAsync(gated, 1, new() { Id = "w0" }, Cancel);
        await gate.ReachedAsync();
        away = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Eventually.TrueAsync(LeasesHaveEndedAsync, Bounded.Limit);
        away.SetResult();
        await Eventually.TrueAsync(async () => !await LeasesHaveEndedAsync(), Bounded.Limit);
        gate.Open();

        Assert.Equal(1, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        await EverythingRanOnceAsync(workflows: 1);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", async _ => await gate.PassAsync());
            yield return input;
        }
    }

    [Fact]
    public async Task An_engine_without_a_lease_claims_nothing()
    {
        var (away, late) = (false, 0);
        var faults = new CallFaults
        {
            Before = (call, _) =>
            {
                late += Volatile.Read(ref away) && call.Kind == StoreCallKind.Claim ? 1 : 0;
                return call.Kind == StoreCallKind.Renew && Volatile.Read(ref away)
                    ? throw CallFaults.Unavailable("Away.")
                    : Task.CompletedTask;
            },
        };
        var engine = await LaunchFaultyAsync(
            faults, options => options.Add(new WorkflowQueue("line")).Lease = TimeSpan.FromSeconds(0.6));
        Volatile.Write(ref away, true);
        await Eventually.TrueAsync(LeasesHaveEndedAsync, Bounded.Limit);
        late = 0;

        var handles = await Task.WhenAll(Enumerable.Range(0, 5).Select(number => engine.StartAsync(
            Workflows.Chain, 2, new() { Id = $"w{number}", Queue = "line" }, Cancel)));
        await Eventually.TrueAsync(async () => await Database.LeasesEndedForAsync() > 2_000, Bounded.Limit);
        Assert.Equal(0, late);
        Assert.Equal(5, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'ENQUEUED'"));
        Volatile.Write(ref away, false);

        foreach (var handle in handles)
        {
            Assert.Equal(2, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        }
    }

    [Fact]
    public async Task A_count_that_is_never_answered_in_time_is_given_up_and_a_deletion_outlasts_an_outage()
    {
        var (late, away) = (0, 2);
        var faults = new CallFaults
        {
            Before = (call, _) => call.Kind switch
            {
                StoreCallKind.CountWorkflows when Interlocked.Increment(ref late) > 0 => throw CallFaults.TimedOut(),
                StoreCallKind.Delete when Interlocked.Decrement(ref away) >= 0 => throw CallFaults.Unavailable("Away."),
                _ => Task.CompletedTask,
            },
        };
        var engine = await LaunchFaultyAsync(faults);
        await (await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => engine.CountAsync(cancellationToken: Cancel).Within(Bounded.Limit));
        await engine.DeleteAsync("w0", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal((3, -1), (late, away));
        Assert.Contains("did not count workflows in time, 3 times in a row", refused.Message, StringComparison.Ordinal);
        Assert.Null(await engine.GetStatusAsync("w0", Cancel));
    }

    // It takes several reads, and whichever fails is read again, with all before it.
    [Fact]
    public async Task An_explanation_outlasts_a_lost_call_and_is_given_up_when_none_is_answered_in_time()
    {
        var (calls, failing, late) = (0, 0, false);
        var faults = new CallFaults
        {
            Before = (_, _) => Volatile.Read(ref late) ? throw CallFaults.TimedOut()
                : Interlocked.Increment(ref calls) == failing ? throw CallFaults.Unavailable("Once.")
                : Task.CompletedTask,
        };
        var engine = await LaunchAsync(
            options =>
            {
                options.ListenTo = ["other"];
                options.Add(new WorkflowQueue("line") { Concurrency = 1 });
            },
            Workflows.All);
        await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0", Queue = "line" }, Cancel);
        await using var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            Cancel);

        for (failing = 1; failing < 5; failing++)
        {
            calls = 0;
            Assert.Equal("queued", (await client.ExplainAsync("w0", Cancel).Within(Bounded.Limit)).Reason);
            Assert.InRange(calls, 5, 8);
        }

        Volatile.Write(ref late, true);
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => client.ExplainAsync("w0", Cancel).Within(Bounded.Limit));
        Assert.Contains("did not explain a workflow in time, 3 times in a row", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Executors_that_have_been_gone_for_a_day_are_forgotten()
    {
        var column = Database.LeaseColumn();
        var day = (long)TimeSpan.FromDays(1).TotalMilliseconds;
        foreach (var id in new[] { "recent", "old" })
        {
            var engine = await LaunchAsync(options => options.ExecutorId = id);
            await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        }

        await Database.ExecuteAsync($"UPDATE fluent_executors SET {column} = {column} - {day} WHERE executor_id = 'old'");
        await LaunchAsync();

        var known = await Database.QueryAsync("SELECT executor_id FROM fluent_executors ORDER BY executor_id");
        Assert.Equal("executor-1 recent", string.Join(' ', known.Select(row => row[0])));
    }

    // Long ended, so that whoever thought so has acted on it.
    private async Task<bool> LeasesHaveEndedAsync() => await Database.LeasesEndedForAsync() > 500;

    private async Task<WorkflowEngine> RelaunchUntilUpAsync(CallFaults faults)
    {
        await Assert.ThrowsAsync<StoreUnavailableException>(() => LaunchFaultyAsync(faults, options => options.ExecutorId = Executor));
        return await LaunchFaultyAsync(faults, options => options.ExecutorId = Executor);
    }
}
