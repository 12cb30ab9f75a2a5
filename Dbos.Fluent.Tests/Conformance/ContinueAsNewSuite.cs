using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that begin afresh under their id.</summary>
public abstract class ContinueAsNewSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task A_loop_of_a_thousand_generations_has_a_history_of_one()
    {
        var longest = 0L;
        var loop = Workflow.Define<int, int>("loop", Body);
        var engine = await LaunchAsync(loop);

        var handle = await engine.BeginAsync(loop, 0, "A");

        Assert.Equal(1000, await handle.GetResultAsync(Cancel).Within(TimeSpan.FromSeconds(60), "the thousandth generation ends"));
        Assert.Equal("0 last", await engine.StepsAsync("A"));
        Assert.Equal("1000", await Database.ScalarAsync("SELECT generation FROM fluent_generations WHERE workflow_uuid = 'A'"));
        Assert.InRange(longest, 1, 2);
        var status = await engine.GetStatusAsync("A", Cancel);
        Assert.Equal((WorkflowState.Success, 1, "1000"), (status!.State, status.RecoveryAttempts, status.Input));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            if (input % 250 == 0 && input < 1000)
            {
                yield return Step.Run("count", async _ => await CheckpointCountAsync("A")).As(out var before);
                yield return Step.Run("count again", async _ => await CheckpointCountAsync("A")).As(out var count);
                longest = Math.Max(longest, count.Result);
            }

            if (input < 1000)
            {
                yield return Workflow.ContinueAsNew(input + 1);
            }

            yield return Step.Run("last", async _ => input).As(out var last);
            yield return last.Result;
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Each_generation_has_ids_keys_and_random_numbers_of_its_own(Form form)
    {
        var seen = new ConcurrentQueue<string>();
        var guids = new ConcurrentQueue<Guid>();
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var loop = form.Pick(
            Workflow.Define<int, int>("loop", Body),
            Workflow.Define<int, int>("loop")
                .Step("note", x => NoteAsync(x.IdempotencyKey, x.Workflow.NewGuid()))
                .Call(child, x => x.Input).As(out var called)
                .If(x => x.Input < 2, again => again.ContinueAsNew(x => x.Input + 1))
                .Return(x => x.Get(called)));
        var engine = await LaunchAsync(loop, child);

        Assert.Equal(2, await engine.RunAsync(loop, 0, "A"));

        Assert.Equal(["A:0", "A:1:0", "A:2:0"], seen);
        Assert.Equal(3, guids.Distinct().Count());
        Assert.Equal("0 note, 1 child, 2 DBOS.getResult", await engine.StepsAsync("A"));
        foreach (var id in new[] { "A-1", "A-g1-1", "A-g2-1" })
        {
            Assert.Equal((WorkflowState.Success, "A"), await StatusAsync(id));
        }

        // A replay of the last generation is seeded as its first run was.
        await Database.ForgetFromAsync("A", 0);
        engine = await FlipAndRelaunchAsync(engine, ["A"], loop, child);
        Assert.Equal(2, await engine.ResultAsync<int>("A"));
        Assert.Equal("A:2:0", seen.Last());
        Assert.Equal(guids.ElementAt(2), guids.Last());

        async Task NoteAsync(string key, Guid guid)
        {
            seen.Enqueue(key);
            guids.Enqueue(guid);
            await Task.CompletedTask;
        }

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            var guid = workflow.NewGuid();
            yield return Step.Run("note", step => NoteAsync(step.IdempotencyKey, guid));
            yield return Step.Call(child, input).As(out var called);
            if (input < 2)
            {
                yield return Workflow.ContinueAsNew(input + 1);
            }

            yield return called.Result;
        }

        async Task<(WorkflowState, string?)> StatusAsync(string id)
        {
            var status = await engine.GetStatusAsync(id, Cancel);
            return (status!.State, status.ParentId);
        }
    }

    // Under "A-1-0" a child of the second generation would meet a child of the first one's child.
    [Fact]
    public async Task Children_of_a_later_generation_meet_no_grandchildren_of_an_earlier_one()
    {
        var leaf = Workflow.Define<int, int>("leaf").Return(x => x.Input * 10);
        var middle = Workflow.Define<int, int>("middle").Call(leaf, x => x.Input).As(out var called).Return(x => x.Get(called) + 1);
        var loop = Workflow.Define<int, int>("loop", Body);
        var engine = await LaunchAsync(loop, middle, leaf);

        Assert.Equal(21, await engine.RunAsync(loop, 1, "A"));

        var ids = await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status ORDER BY length(workflow_uuid), workflow_uuid");
        Assert.Equal("A, A-1, A-1-0, A-g1-0, A-g1-0-0", string.Join(", ", ids.Select(row => row[0])));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            if (input == 1)
            {
                yield return Step.Run("first", async _ => 0);
            }

            yield return Step.Call(middle, input).As(out var result);
            if (input == 1)
            {
                yield return Workflow.ContinueAsNew(2);
            }

            yield return result.Result;
        }
    }

    // The rewind takes out of its history what names the child, and the same generation attaches to it again.
    [Fact]
    public async Task Retention_keeps_ended_children_that_a_rewound_generation_meets_again()
    {
        var counts = new Counts();
        var child = Workflow.Define<int, int>("child").Step("work", _ => Task.FromResult(counts.Add("work"))).As(out var work)
            .Return(x => x.Get(work));
        var loop = Workflow.Define<int, int>("loop", Body);
        var engine = await LaunchAsync(loop, child);
        var handle = await engine.BeginAsync(loop, 0, "A");
        await engine.SendAsync("A", "now", "go", cancellationToken: Cancel);
        Assert.Equal(1, await handle.ResultAsync());

        await engine.RewindAsync("A", 0, Cancel);
        Assert.Equal(0, (await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.Zero }, Cancel)).Workflows);
        await engine.SendAsync("A", "again", "go", cancellationToken: Cancel);

        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal(1, counts["work"]);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            if (input == 0)
            {
                yield return Workflow.ContinueAsNew(1);
            }

            yield return Step.Receive<string>("go");
            yield return Step.Call(child, input).As(out var called);
            yield return called.Result;
        }
    }

    // An endless loop would keep the children of all its generations.
    [Fact]
    public async Task Retention_keeps_ended_children_of_the_generation_that_runs_alone()
    {
        var gate = new Probe();
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var loop = Workflow.Define<int, int>("loop", Body);
        var engine = await LaunchAsync(loop, child);
        var handle = await engine.BeginAsync(loop, 0, "A");
        await gate.ReachedAsync();

        Assert.Equal(2, (await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.Zero }, Cancel)).Workflows);
        Assert.NotNull(await engine.GetStatusAsync("A-g2-0", Cancel));
        gate.Open();

        Assert.Equal(2, await handle.ResultAsync());
        Assert.Equal(2, (await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.Zero }, Cancel)).Workflows);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, input).As(out var called);
            if (input < 2)
            {
                yield return Workflow.ContinueAsNew(input + 1);
            }

            yield return Step.Run("wait", async _ => await gate.PassAsync());
            yield return called.Result;
        }
    }

    [Fact]
    public async Task Messages_events_attributes_and_the_place_in_the_queue_stay_and_the_timeout_begins_anew()
    {
        var (first, second) = (new Probe(), new Probe());
        var loop = Workflow.Define<int, string>("loop", Body);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("q") { Concurrency = 1 }), loop);
        var options = new StartOptions
        {
            Id = "A",
            Queue = "q",
            Timeout = TimeSpan.FromHours(1),
            Attributes = new Dictionary<string, object?> { ["tenant"] = "t1" },
        };
        var handle = await engine.StartAsync(loop, 0, options, Cancel);
        await first.ReachedAsync();
        var before = await engine.GetStatusAsync("A", Cancel);
        await engine.SendAsync("A", "one", "t", cancellationToken: Cancel);
        await engine.SendAsync("A", "two", "t", cancellationToken: Cancel);
        var other = await engine.StartAsync(loop, 1, new() { Id = "B", Queue = "q" }, Cancel);
        await Database.ExecuteAsync("UPDATE workflow_status SET workflow_deadline_epoch_ms = workflow_deadline_epoch_ms - 60000");
        first.Open();
        await second.ReachedAsync();

        var after = await engine.GetStatusAsync("A", Cancel);
        Assert.Equal((WorkflowState.Pending, "q", "1", "t1"), (after!.State, after.Queue, after.Input, after.Attributes!["tenant"]));
        Assert.True(after.Deadline >= before!.Deadline, "The timeout did not begin anew.");
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync("B"));
        Assert.Equal(0, (await engine.GetEventAsync<int>("A", "began", TimeSpan.Zero, Cancel)).Value);
        second.Open();
        Assert.Equal("one, then two", await handle.ResultAsync());
        await engine.SendAsync("B", "three", "t", cancellationToken: Cancel);
        Assert.Equal("none, then three", await other.ResultAsync());

        async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
        {
            if (input == 0)
            {
                yield return Step.SetEvent("began", input);
                yield return Step.Run("first", async _ => await first.PassAsync());
                yield return Step.Receive<string>("t").As(out var one);
                yield return Step.SetEvent("one", one.Result);
                yield return Workflow.ContinueAsNew(1);
            }

            yield return Step.Run("second", async _ => await second.PassAsync());
            yield return Step.GetEvent<string>(workflow.WorkflowId, "one", TimeSpan.Zero).As(out var early);
            yield return Step.Receive<string>("t").As(out var two);
            yield return $"{early.Result.ValueOr("none")}, then {two.Result}";
        }
    }

    [Fact]
    public async Task A_generation_that_is_recovered_goes_on_with_its_own_input_and_number()
    {
        var gate = new Probe();
        var loop = Workflow.Define<int, string>("loop")
            .If(x => x.Input < 3, again => again.Step("s", _ => Task.CompletedTask).ContinueAsNew(x => x.Input + 1))
            .Step("wait", async x =>
            {
                await gate.PassAsync(x.CancellationToken);
                return x.IdempotencyKey;
            }).As(out var key)
            .Return(x => $"{x.Input} {x.Get(key)}");
        var engine = await LaunchAsync(loop);
        await engine.BeginAsync(loop, 0, "A");
        await gate.ReachedAsync();

        engine = await RelaunchAsync(engine, loop);
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal("3 A:3:0", await engine.ResultAsync<string>("A"));
        Assert.Equal("0 wait", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_late_generation_is_forked_and_rewound_with_what_the_earlier_ones_left()
    {
        var keys = new ConcurrentQueue<string>();
        var loop = Workflow.Define<int, int>("loop", Body);
        var engine = await LaunchAsync(loop);
        Assert.Equal(2, await engine.RunAsync(loop, 0, "A"));

        foreach (var (id, from) in new[] { ("late", 2), ("whole", 0) })
        {
            await engine.ForkAsync("A", from, new() { Id = id }, Cancel);
            Assert.Equal(2, await engine.ResultAsync<int>(id));
            Assert.Equal([0, 1, 2], await engine.ReadAllAsync<int>(id, "s"));
            Assert.Equal(2, (await engine.GetEventAsync<int>(id, "generation", TimeSpan.Zero, Cancel)).Value);
            Assert.Equal("0 DBOS.setEvent, 1 DBOS.writeStream, 2 last, 3 DBOS.closeStream", await engine.StepsAsync(id));
        }

        await engine.RewindAsync("A", 0, Cancel);
        Assert.Equal(2, await engine.ResultAsync<int>("A"));
        Assert.Equal([0, 1, 2, 2], await engine.ReadAllAsync<int>("A", "s"));
        Assert.Equal(2, (await engine.GetEventAsync<int>("A", "generation", TimeSpan.Zero, Cancel)).Value);
        Assert.Equal(["A:2:2", "late:2", "whole:2", "A:2:2"], keys);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.SetEvent("generation", input);
            yield return Step.WriteStream("s", input);
            if (input < 2)
            {
                yield return Workflow.ContinueAsNew(input + 1);
            }

            yield return Step.Run("last", async step => keys.Enqueue(step.IdempotencyKey));
            yield return Step.CloseStream("s");
            yield return input;
        }
    }

    [Fact]
    public async Task Generations_that_leave_memory_go_on_elsewhere_in_the_format_of_the_first()
    {
        var loop = Workflow.Define<int, string>("loop")
            .Receive<int>("t", TimeSpan.FromDays(2)).As(out var message)
            .If(x => x.Input < 2, again => again.ContinueAsNew(x => x.Input + x.Get(message).Value))
            .Return(x => $"{x.Input} {x.Get(message).Value}");
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, loop);
        await engine.StartAsync(loop, 0, new() { Id = "A", Format = PayloadFormat.PortableJson }, Cancel);
        await Parkable.ParkedAsync(engine, "A");
        foreach (var generation in (int[])[1, 2])
        {
            await engine.SendAsync("A", 1, "t", cancellationToken: Cancel);
            await Eventually.TrueAsync(() => IsParkedInAsync(generation), Bounded.Limit, $"generation {generation} is parked");
        }

        engine = await RelaunchAsync(engine, loop);
        await engine.SendAsync("A", 5, "t", cancellationToken: Cancel);

        Assert.Equal("2 5", await engine.ResultAsync<string>("A"));
        Assert.Equal("portable_json", await Database.ScalarAsync("SELECT serialization FROM workflow_status"));
        Assert.Contains("[2]", await Database.ScalarAsync("SELECT inputs FROM workflow_input"));
        Assert.Equal("\"2 5\"", await Database.ScalarAsync("SELECT output FROM workflow_output"));

        async Task<bool> IsParkedInAsync(int generation) => await Database.CountAsync(
            "SELECT count(*) FROM fluent_generations AS g JOIN workflow_status AS w ON w.workflow_uuid = g.workflow_uuid "
            + $"WHERE g.generation = {generation} AND w.status = 'DELAYED'") == 1;
    }

    [Fact]
    public async Task It_is_refused_with_another_input_type_and_inside_a_group()
    {
        var undone = new Probe();
        var typed = Workflow.Define<int, int>("typed", Typed);
        var grouped = Workflow.Define<int, int>("grouped", Grouped);
        var raced = Workflow.Define<int, int>("raced", Raced);
        var engine = await LaunchAsync(typed, grouped, raced);
        undone.Open();

        var failure = await (await engine.BeginAsync(typed, 1, "A")).FailureAsync();

        Assert.True(failure.Is<InvalidOperationException>());
        Assert.Contains("takes a Int32 and was to continue as new with a String", failure.Message);
        await undone.ReachedAsync();
        Assert.True((await (await engine.BeginAsync(grouped, 1, "B")).FailureAsync()).Is<InvalidOperationException>());
        Assert.True((await (await engine.BeginAsync(raced, 1, "C")).FailureAsync()).Is<InvalidOperationException>());
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM fluent_generations"));

        async IAsyncEnumerable<StepOr<int>> Typed(int input, WorkflowContext workflow)
        {
            yield return Step.Run("s", async _ => input).CompensateWith(async _ => await undone.PassAsync());
            yield return Workflow.ContinueAsNew("another type");
        }

        async IAsyncEnumerable<StepOr<int>> Grouped(int input, WorkflowContext workflow)
        {
            yield return Step.All(Step.Run("s", async _ => input), Workflow.ContinueAsNew(input + 1));
        }

        async IAsyncEnumerable<StepOr<int>> Raced(int input, WorkflowContext workflow)
        {
            yield return Step.Any(Workflow.ContinueAsNew(input + 1));
        }
    }
}
