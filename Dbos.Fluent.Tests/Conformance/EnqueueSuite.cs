using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Ways into a queue: deduplicated, delayed, by name, in batches, with mistakes. Scenarios QC, QD, QY.</summary>
public abstract class EnqueueSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Probe gate = new();
    private readonly ManualTimeProvider time = new();

    [Fact]
    public async Task A_deduplication_id_is_held_until_its_workflow_has_ended()
    {
        var workflow = Gated();
        var engine = await LaunchQueuesAsync(workflow);
        var holder = await engine.StartAsync(workflow, 1, new() { Id = "A", Queue = "line", DeduplicationId = "d" }, Cancel);
        await gate.ReachedAsync();

        var refused = await Assert.ThrowsAsync<QueueDeduplicatedException>(
            () => engine.StartAsync(workflow, 2, new() { Id = "B", Queue = "line", DeduplicationId = "d" }, Cancel));
        Assert.Equal(("line", "d", "A"), (refused.Queue, refused.DeduplicationId, refused.HolderId));
        Assert.Null(await engine.GetStatusAsync("B", Cancel));
        await engine.StartAsync(workflow, 1, new() { Id = "A", Queue = "line", DeduplicationId = "d" }, Cancel);
        await engine.StartAsync(workflow, 3, new() { Queue = "line", DeduplicationId = "e" }, Cancel);
        await engine.StartAsync(workflow, 4, new() { Queue = "other", DeduplicationId = "d" }, Cancel);
        gate.Open();
        await holder.ResultAsync();

        var after = await engine.StartAsync(workflow, 5, new() { Queue = "line", DeduplicationId = "d" }, Cancel);
        Assert.Equal(5, await after.ResultAsync());
    }

    // Zero would be an amount that nobody has given.
    [Fact]
    public async Task A_workflow_that_takes_a_number_fails_where_it_is_enqueued_without_one()
    {
        var workflow = Workflow.Define<int, int>("pay").Return(x => x.Input);
        var optional = Workflow.Define<int?, string>("maybe").Return(x => x.Input?.ToString() ?? "nothing");
        var engine = await LaunchQueuesAsync(workflow, optional);

        var failure = await (await engine.EnqueueAsync<int>("pay", [], new() { Queue = "line" }, Cancel)).FailureAsync();
        var given = await engine.EnqueueAsync<string>("maybe", [], new() { Queue = "line" }, Cancel);

        Assert.Contains("takes an input of type 'System.Int32', and was enqueued without one", failure.Message, StringComparison.Ordinal);
        Assert.Equal("nothing", await given.ResultAsync());
    }

    [Fact]
    public async Task A_start_may_attach_to_the_holder_of_its_deduplication_id()
    {
        var workflow = Gated();
        var other = Workflow.Define<int, int>("another").Return(x => x.Input);
        var engine = await LaunchQueuesAsync(workflow, other);
        StartOptions attach = new() { Queue = "line", DeduplicationId = "d", DeduplicationPolicy = DeduplicationPolicy.ReturnExisting };
        var first = await engine.StartAsync(workflow, 1, attach, Cancel);
        var second = await engine.StartAsync(workflow, 2, attach, Cancel);

        Assert.Equal(first.Id, second.Id);
        var refused = await Assert.ThrowsAsync<ConflictingWorkflowException>(() => engine.StartAsync(other, 1, attach, Cancel));
        Assert.Equal((first.Id, true), (refused.WorkflowId, refused.Message.Contains("'line' with the deduplication id 'd'")));
        gate.Open();
        Assert.Equal(1, await second.ResultAsync());
        Assert.Equal(3, await (await engine.StartAsync(workflow, 3, attach, Cancel)).ResultAsync());
        StartOptions[] impossible = [attach with { DeduplicationId = null }, attach with { Queue = null }];
        foreach (var options in impossible)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => engine.StartAsync(workflow, 1, options, Cancel));
        }

        Assert.Equal(2, await Database.WorkflowsAsync());
    }

    // QD-06. Whoever is refused is told who holds the id, and nothing else goes wrong.
    [Theory]
    [InlineData(DeduplicationPolicy.ReturnExisting)]
    [InlineData(DeduplicationPolicy.Reject)]
    public async Task Of_many_starts_at_once_with_one_deduplication_id_one_is_made(DeduplicationPolicy policy)
    {
        var workflow = Gated();
        var one = await LaunchQueuesAsync(workflow);
        var two = await LaunchAsync(options => options.ExecutorId = "executor-2", workflow);
        var options = new StartOptions { Queue = "line", DeduplicationId = "d", DeduplicationPolicy = policy };

        var starts = await Task.WhenAll(Enumerable.Range(0, 50).Select(StartAsync)).Within(Bounded.Limit);

        var id = Assert.Single(starts.Select(start => start.Id).Distinct());
        Assert.Equal(policy == DeduplicationPolicy.Reject ? 49 : 0, starts.Count(start => start.Refused));
        Assert.Equal(1, await Database.WorkflowsAsync());
        gate.Open();
        await one.ResultAsync<int>(id!);

        async Task<(string? Id, bool Refused)> StartAsync(int number)
        {
            try
            {
                return ((await (number % 2 == 0 ? one : two).StartAsync(workflow, number, options, Cancel)).Id, false);
            }
            catch (QueueDeduplicatedException refused)
            {
                return (refused.HolderId, true);
            }
        }
    }

    [Fact]
    public async Task A_parent_records_whose_place_its_child_was_refused()
    {
        var child = Gated();
        var parent = Workflow.Define<DeduplicationPolicy, string>("parent", Body);
        var engine = await LaunchQueuesAsync(parent, child);
        var holder = await engine.StartAsync(child, 1, new() { Queue = "line", DeduplicationId = "d" }, Cancel);

        Assert.Equal(holder.Id, await engine.RunAsync(parent, DeduplicationPolicy.ReturnExisting, "attaches"));
        var refused = await engine.RunAsync(parent, DeduplicationPolicy.Reject, "is refused");
        Assert.Contains("DBOS2005", refused, StringComparison.Ordinal);
        var again = await FlipAndRelaunchAsync(engine, ["attaches", "is refused"], parent, child);
        await StateAsync(again, "attaches", WorkflowState.Success);
        await StateAsync(again, "is refused", WorkflowState.Success);

        Assert.Equal(holder.Id, await again.ResultAsync<string>("attaches"));
        Assert.Equal(refused, await again.ResultAsync<string>("is refused"));
        gate.Open();

        async IAsyncEnumerable<StepOr<string>> Body(DeduplicationPolicy policy, WorkflowContext workflow)
        {
            yield return Step.Start(child, 2, new() { Queue = "line", DeduplicationId = "d", DeduplicationPolicy = policy })
                .Try(out var started);
            yield return started.Succeeded ? started.Result.Id : started.Error!.Message;
        }
    }

    // QD-01 and QP-01. What is run again keeps its priority; what ends, also by a cancel, gives its deduplication id away.
    [Fact]
    public async Task Children_and_forks_inherit_neither_priority_nor_deduplication_id()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var parent = Workflow.Define<Unit, int>("parent", Body);
        var engine = await LaunchQueuesAsync(parent, child);
        await engine.Queues.PauseAsync("other", Cancel);
        var chosen = new StartOptions { Id = "P", Queue = "line", Priority = 5, DeduplicationId = "d" };
        await engine.StartAsync(parent, default, chosen, Cancel);
        await gate.ReachedAsync();

        Assert.Equal(("line", 5, "d"), await ChoiceAsync("P"));
        Assert.Equal((null, 0, null), await ChoiceAsync("P-0"));
        Assert.Equal(("other", 0, null), await ChoiceAsync("P-1"));
        Assert.Equal(("other", 2, "c"), await ChoiceAsync("P-2"));

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        engine = await LaunchQueuesAsync(parent, child);
        await gate.ReachedAsync();
        Assert.Equal(("line", 5, "d"), await ChoiceAsync("P"));
        await Assert.ThrowsAsync<QueueDeduplicatedException>(
            () => engine.StartAsync(child, 1, chosen with { Id = "refused" }, Cancel));

        await engine.ForkAsync("P", 0, new() { Id = "F", Queue = "other" }, Cancel);
        Assert.Equal(("other", 0, null), await ChoiceAsync("F"));
        await engine.CancelAsync("P", cancellationToken: Cancel);
        Assert.Equal(1, await (await engine.StartAsync(child, 1, chosen with { Id = "next" }, Cancel)).ResultAsync());
        await engine.ResumeAsync("P", "line", Cancel);
        await gate.ReachedAsync();
        Assert.Equal(("line", 5, null), await ChoiceAsync("P"));
        gate.Open();
        Assert.Equal(1, await engine.ResultAsync<int>("P"));
        await engine.RewindAsync("P", 3, Cancel);
        Assert.Equal(1, await engine.ResultAsync<int>("P"));
        Assert.Equal((5, null), ((await ChoiceAsync("P")).Priority, (await ChoiceAsync("P")).DeduplicationId));

        async Task<(string? Queue, int Priority, string? DeduplicationId)> ChoiceAsync(string id)
        {
            var status = (await engine.GetStatusAsync(id, Cancel))!;
            return (status.Queue, status.Priority, status.DeduplicationId);
        }

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, 1);
            yield return Step.Start(child, 2, new() { Queue = "other" });
            yield return Step.Start(child, 3, new() { Queue = "other", Priority = 2, DeduplicationId = "c" });
            yield return Step.Run("gate", async step => await gate.PassAsync(step));
            yield return 1;
        }
    }

    [Fact]
    public async Task A_delayed_start_waits_out_its_delay_and_holds_its_deduplication_id()
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchQueuesAsync(workflow);
        var start = time.GetUtcNow();
        var options = new StartOptions { Queue = "line", Delay = TimeSpan.FromHours(2), DeduplicationId = "d" };
        var handle = await engine.StartAsync(workflow, 1, options, Cancel);
        var status = await handle.GetStatusAsync(Cancel);

        Assert.Equal((WorkflowState.Delayed, start.AddHours(2), false), (status.State, status.DelayUntil, status.Parked));
        await Assert.ThrowsAsync<QueueDeduplicatedException>(() => engine.StartAsync(workflow, 2, options, Cancel));
        time.Advance(TimeSpan.FromHours(2));

        Assert.Equal(1, await handle.ResultAsync());
        Assert.True((await handle.GetStatusAsync(Cancel)).StartedAt >= start.AddHours(2));
    }

    [Fact]
    public async Task A_delay_can_be_changed_cancelled_and_resumed()
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchQueuesAsync(workflow);
        var day = new StartOptions { Queue = "line", Delay = TimeSpan.FromDays(1) };
        var sooner = await engine.StartAsync(workflow, 1, day, Cancel);
        var until = await engine.StartAsync(workflow, 2, day, Cancel);
        var cancelled = await engine.StartAsync(workflow, 3, day, Cancel);
        var resumed = await engine.StartAsync(workflow, 4, day, Cancel);

        Assert.True(await engine.SetDelayAsync(sooner.Id, TimeSpan.Zero, Cancel));
        Assert.Equal(1, await sooner.ResultAsync());
        Assert.True(await engine.SetDelayAsync(until.Id, time.GetUtcNow().AddHours(1), Cancel));
        await engine.ResumeAsync(resumed.Id, cancellationToken: Cancel);
        Assert.Equal(4, await resumed.ResultAsync());
        await engine.CancelAsync(cancelled.Id, cancellationToken: Cancel);
        Assert.False(await engine.SetDelayAsync(cancelled.Id, TimeSpan.Zero, Cancel));
        Assert.False(await engine.SetDelayAsync(sooner.Id, TimeSpan.FromDays(1), Cancel));
        Assert.Equal(WorkflowState.Delayed, await engine.StateOfAsync(until.Id));
        time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(2, await until.ResultAsync());
        Assert.Equal(CancellationReason.Cancelled, await cancelled.CancellationAsync());
    }

    [Fact]
    public async Task Delays_that_end_while_no_engine_runs_end_in_order_and_within_the_limits()
    {
        var order = new System.Collections.Concurrent.ConcurrentQueue<int>();
        var (running, most) = (0, 0);
        var workflow = Workflow.Define<int>("noted").Step("note", async x =>
        {
            order.Enqueue(x.Input);
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Yield();
            Interlocked.Decrement(ref running);
        }).End();
        var engine = await LaunchQueuesAsync(workflow);
        var handles = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var options = new StartOptions { Queue = "single", Delay = TimeSpan.FromSeconds(1) };
            handles.Add((await engine.StartAsync(workflow, i, options, Cancel)).Id);
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        time.Advance(TimeSpan.FromDays(1));
        var later = await LaunchQueuesAsync(workflow);
        foreach (var id in handles)
        {
            await later.ResultAsync<Unit>(id);
        }

        Assert.Equal([0, 1, 2, 3, 4], order);
        Assert.Equal(1, most);
        Assert.Equal(5, await Database.SucceededAsync());
    }

    [Fact]
    public async Task A_batch_is_started_whole_or_not_at_all()
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchQueuesAsync(workflow);
        var line = new StartOptions { Queue = "line" };
        var many = await engine.StartManyAsync(workflow, Enumerable.Range(0, 300).Select(i => (i, (StartOptions?)line)), Cancel);
        Assert.Equal(Enumerable.Range(0, 300).Sum(), (await Task.WhenAll(many.Select(handle => handle.ResultAsync()))).Sum());
        Assert.Empty(await engine.StartManyAsync(workflow, [], Cancel));
        var without = await engine.StartManyAsync(workflow, [(7, (StartOptions?)null)], Cancel);
        Assert.Equal(7, await without[0].ResultAsync());
        var before = await Database.CountAsync("SELECT count(*) FROM workflow_status");

        await Assert.ThrowsAsync<QueueDeduplicatedException>(() => engine.StartManyAsync(
            workflow, [(1, line), (2, line with { DeduplicationId = "d" }), (3, line with { DeduplicationId = "d" })], Cancel));
        await Assert.ThrowsAsync<WorkflowIdInUseException>(() => engine.StartManyAsync(
            workflow, [(1, line), (2, line with { Id = many[0].Id, IdReuse = IdReuse.Reject })], Cancel));
        Assert.Equal(before, await Database.CountAsync("SELECT count(*) FROM workflow_status"));

        var attached = await engine.StartManyAsync(workflow, [(9, line with { Id = many[3].Id })], Cancel);
        Assert.Equal(3, await attached[0].ResultAsync());
    }

    [Fact]
    public async Task Starts_of_one_deduplication_id_name_its_holder_whoever_takes_it_between_two_tries()
    {
        var workflow = Gated();
        var attach = new StartOptions
        {
            Queue = "line",
            DeduplicationId = "d",
            DeduplicationPolicy = DeduplicationPolicy.ReturnExisting,
        };
        var faults = new CallFaults();
        var engine = await LaunchAsync(
            options =>
            {
                options.WrapStore = store => new FaultingStore(store, faults);
                options.Add(new WorkflowQueue("line"));
            },
            workflow);
        await using var other = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.ApplicationName = "tests";
            },
            Cancel);
        var tries = 0;
        faults.Before = async (call, _) =>
        {
            if (call.Kind == StoreCallKind.StartMany && ++tries == 2)
            {
                await other.StartAsync(workflow, 0, attach with { Id = "X" }, Cancel);
            }
        };

        var handles = await engine.StartManyAsync(
            workflow, [(1, attach with { Id = "A" }), (2, attach with { Id = "B" }), (3, new() { Id = "C", Queue = "line" })], Cancel);
        gate.Open();

        var results = await Task.WhenAll(handles.Select(handle => handle.ResultAsync()));

        Assert.Equal(["X", "X", "C"], handles.Select(handle => handle.Id));
        Assert.Equal([0, 0, 3], results);
    }

    [Fact]
    public async Task Starts_of_one_deduplication_id_are_one_workflow()
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchQueuesAsync(workflow);
        var attach = new StartOptions
        {
            Queue = "line",
            DeduplicationId = "d",
            DeduplicationPolicy = DeduplicationPolicy.ReturnExisting,
        };

        var handles = await engine.StartManyAsync(
            workflow, [(1, attach with { Id = "A" }), (2, attach with { Id = "B" }), (3, attach with { Id = "C" })], Cancel);

        Assert.Single(handles.Select(handle => handle.Id).Distinct());
        Assert.Single((await Task.WhenAll(handles.Select(handle => handle.ResultAsync()))).Distinct());
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Fact]
    public async Task A_client_that_has_only_the_name_enqueues_and_awaits()
    {
        var workflow = Workflow.Define<(int A, int B), int>("sum").Return(x => x.Input.A + x.Input.B);
        var engine = await LaunchQueuesAsync(workflow);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel).Within(Bounded.Limit);

        var handle = await client.EnqueueAsync<int>("sum", [20, 22], new() { Queue = "line" }, Cancel);
        Assert.Equal(42, await handle.ResultAsync());
        var declared = Workflow.Declare<(int, int), int>("sum");
        Assert.Equal(3, await (await client.StartAsync(declared, (1, 2), new() { Queue = "line" }, Cancel)).ResultAsync());

        await Assert.ThrowsAsync<ArgumentException>(() => client.StartAsync(declared, (1, 2), cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => client.EnqueueAsync<int>("sum", [1], new(), Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => client.EnqueueAsync<int>("sum", [1, 2], new() { Queue = "line", Format = PayloadFormat.MessagePack }, Cancel));
        var status = (await engine.GetStatusAsync(handle.Id, Cancel))!;
        Assert.Equal("tests", status.ApplicationName);
    }

    [Fact]
    public async Task Attributes_are_kept_with_the_workflow()
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchQueuesAsync(workflow);
        var attributes = new Dictionary<string, object?> { ["customer"] = "acme", ["urgent"] = true, ["size"] = 3L, ["none"] = null };
        var handle = await engine.StartAsync(workflow, 1, new() { Queue = "line", Attributes = attributes }, Cancel);

        Assert.Equal(attributes, (await handle.GetStatusAsync(Cancel)).Attributes);
        await handle.ResultAsync();
    }

    private Task<WorkflowEngine> LaunchQueuesAsync(params WorkflowDefinition[] definitions) => LaunchAsync(
        options =>
        {
            options.TimeProvider = time;
            options.Add(new WorkflowQueue("line"), new WorkflowQueue("other"), new WorkflowQueue("single") { Concurrency = 1 });
        },
        definitions);

    private WorkflowDefinition<int, int> Gated() =>
        Workflow.Define<int, int>("gated").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);
}
