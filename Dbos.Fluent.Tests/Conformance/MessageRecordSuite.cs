using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a receive leaves behind, and that one message is consumed once whatever goes wrong. Scenario SZ-08.</summary>
public abstract class MessageRecordSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly CallFaults faults = new();

    [Fact]
    public async Task A_receive_is_recorded_as_every_dbos_library_records_it()
    {
        var workflow = Flows.Series(
            "receiver",
            () =>
            [
                Step.Receive<string>("untimed"),
                Step.Receive<string>("timed", TimeSpan.FromMinutes(1)),
                Step.Receive<string>("timed", TimeSpan.Zero),
            ]);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await engine.SendAsync("R", "own", "untimed", format: PayloadFormat.PortableJson, cancellationToken: Cancel);
        await Eventually.TrueAsync(() => Database.HasStepAsync("R", 3), Bounded.Limit);
        await Database.InsertMessageAsync("R", "\"of another language\"", "timed");
        await handle.ResultAsync();

        var rows = await Database.StepRowsAsync("R");
        Assert.Equal(
            "0 DBOS.recv \"own\" portable_json|2 DBOS.recv \"of another language\" portable_json|3 DBOS.sleep _ portable_json|"
            + "4 DBOS.recv - -|5 DBOS.sleep _ portable_json",
            string.Join('|', rows.Select(row => row.Contains("sleep") ? $"{row[..12]} _ {row.Split(' ')[3]}" : row)));
    }

    [Fact]
    public async Task The_row_that_says_when_a_wait_ends_is_written_first_and_lasts_no_time()
    {
        var workflow = Flows.One("receiver", () => Step.Receive<int>(null, TimeSpan.FromMinutes(1)));
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await Eventually.TrueAsync(() => Database.HasStepAsync("R", 1), Bounded.Limit);
        var marker = Assert.Single(await RowsAsync());
        Assert.Equal($"1|DBOS.sleep|{Number(marker[3]) + 60_000}|{marker[3]}|{marker[3]}|tests", string.Join('|', marker));

        await engine.SendAsync("R", 7, cancellationToken: Cancel);
        await handle.ResultAsync();

        var rows = await RowsAsync();
        Assert.Equal(marker, rows[1]);
        Assert.Equal(("0", "DBOS.recv", marker[3], "tests"), (rows[0][0], rows[0][1], rows[0][3], rows[0][5]));
        Assert.InRange(Number(rows[0][4]), Number(marker[3]), Number(marker[2]));

        Task<List<string?[]>> RowsAsync() => Database.QueryAsync(
            "SELECT function_id, function_name, output, started_at_epoch_ms, completed_at_epoch_ms, application_name "
            + "FROM operation_outputs ORDER BY function_id");
    }

    [Fact]
    public async Task A_wait_that_finds_its_message_at_once_has_the_row_of_its_end_too()
    {
        var gate = new Probe();
        var workflow = Flows.Series(
            "receiver", () => [Step.Run("wait", s => gate.PassAsync(s)), Step.Receive<int>(null, TimeSpan.FromMinutes(1))]);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await gate.ReachedAsync();
        await engine.SendAsync("R", 7, cancellationToken: Cancel);
        gate.Open();
        await handle.ResultAsync();

        Assert.Equal("0 wait, 1 DBOS.recv, 2 DBOS.sleep", await engine.StepsAsync("R"));
    }

    [Fact]
    public async Task A_replay_gives_the_recorded_message_and_leaves_later_ones_unread()
    {
        var workflow = Flows.One("receiver", () => Step.Receive<int>());
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await engine.SendAsync("R", 1, cancellationToken: Cancel);
        await handle.ResultAsync();
        await engine.SendAsync("R", 2, cancellationToken: Cancel);

        engine = await FlipAndRelaunchAsync(engine, ["R"], workflow);

        Assert.Equal(1, await engine.ResultAsync<int>("R"));
        Assert.Equal([true, false], (await engine.GetMessagesAsync("R", Cancel)).Select(message => message.Consumed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_receive_whose_write_fails_or_whose_answer_is_lost_consumes_one_message(bool afterEffect)
    {
        var failures = 0;
        Func<StoreCall, CancellationToken, Task> fail = (call, _) =>
            call.Batch.Any(unit => unit is ReceiveUnit) && Interlocked.Increment(ref failures) == 1
                ? throw CallFaults.Unavailable("Once.")
                : Task.CompletedTask;
        (faults.Before, faults.After) = afterEffect ? (faults.Before, fail) : (fail, faults.After);
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, string>("receiver", Body);
        var engine = await LaunchFaultyAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await gate.ReachedAsync();
        await engine.SendManyAsync(
            [("R", 1, null, null), ("R", 2, null, null), ("R", 3, (string?)null, (string?)null)], cancellationToken: Cancel);
        gate.Open();

        Assert.Equal("1 2", await handle.ResultAsync());
        Assert.Equal((3, 1), (await Database.MessagesAsync(), await Database.UnreadAsync()));
        Assert.InRange(failures, 2, 10);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", s => gate.PassAsync(s));
            yield return Step.Receive<int>().As(out var first);
            yield return Step.Receive<int>(null, TimeSpan.FromMinutes(1)).As(out var second);
            yield return $"{first.Result} {second.Result.Value}";
        }
    }

    [Fact]
    public async Task A_receive_whose_process_died_before_it_had_its_answer_has_the_message_in_the_next_one()
    {
        var committed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        faults.After = (call, token) =>
        {
            if (!call.Batch.Any(unit => unit is ReceiveUnit))
            {
                return Task.CompletedTask;
            }

            committed.TrySetResult();
            return new TaskCompletionSource().Task.WaitAsync(token);
        };
        var (gate, sender) = (new Probe(), await LaunchAsync(options => options.ExecutorId = "executor-2"));
        var gated = Gated(gate);
        var engine = await LaunchFaultyAsync(gated);
        await engine.BeginAsync(gated, default, "R");
        await gate.ReachedAsync();
        await sender.SendManyAsync([("R", 1, null, null), ("R", 2, (string?)null, (string?)null)], cancellationToken: Cancel);
        gate.Open();
        await committed.Task.Within(Bounded.Limit);

        engine = await RelaunchAsync(engine, gated);

        Assert.Equal(1, await engine.ResultAsync<int>("R"));
        Assert.Equal(1, await Database.UnreadAsync());
    }

    [Fact]
    public async Task Of_two_engines_that_both_run_a_waiting_workflow_one_takes_the_message()
    {
        // The first engine neither takes the workflow up again nor learns that it has lost it.
        faults.Before = (call, token) => call.Kind is StoreCallKind.ReadLost or StoreCallKind.Claim or StoreCallKind.ClaimParked
            ? new TaskCompletionSource().Task.WaitAsync(token)
            : Task.CompletedTask;
        var workflow = Workflow.Define<Unit, string>("receiver", Body);
        var first = await LaunchFaultyAsync(workflow);
        var handle = await first.BeginAsync(workflow, default, "R");
        await Eventually.TrueAsync(() => first.Core.Wakeups.Inboxes.Count == 1, Bounded.Limit);
        var second = await LaunchAsync(options => options.ExecutorId = "executor-2", workflow);
        await second.ResumeAsync("R", cancellationToken: Cancel);
        await Eventually.TrueAsync(() => second.Core.Wakeups.Inboxes.Count == 1, Bounded.Limit, "the second engine waits, too");
        Assert.Equal(1, first.Core.Wakeups.Inboxes.Count);

        // The first engine tells itself at once, and tries to take what it no longer may.
        await first.SendAsync("R", 1, cancellationToken: Cancel);
        await first.SendAsync("R", 2, cancellationToken: Cancel);

        Assert.Equal(("1 2", "1 2"), (await handle.ResultAsync(), await second.ResultAsync<string>("R")));
        Assert.Equal("0 DBOS.recv, 2 DBOS.recv", await second.StepsAsync("R"));
        Assert.Equal((2, 0), (await Database.MessagesAsync(), await Database.UnreadAsync()));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Receive<int>().As(out var first);
            yield return Step.Receive<int>().As(out var second);
            yield return $"{first.Result} {second.Result}";
        }
    }

    [Fact]
    public async Task A_portable_workflow_records_messages_as_their_senders_wrote_them()
    {
        var workflow = Workflow.Define<Unit, string>("receiver", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.StartAsync(workflow, default, new() { Id = "R", Format = PayloadFormat.PortableJson }, Cancel);
        await engine.SendAsync("R", new Order("pens"), format: PayloadFormat.PortableJson, cancellationToken: Cancel);
        await engine.SendAsync("R", new Order("ink"), cancellationToken: Cancel);

        Assert.Equal("pens ink", await handle.ResultAsync());
        var rows = await Database.StepRowsAsync("R");
        Assert.Equal("0 DBOS.recv {\"Item\":\"pens\"} portable_json", rows[0]);
        Assert.EndsWith(" dotnet_msgpack", rows[1]);

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Receive<Order>().As(out var first);
            yield return Step.Receive<Order>().As(out var second);
            yield return $"{first.Result.Item} {second.Result.Item}";
        }
    }

    [Theory]
    [InlineData("not base64!", "dotnet_msgpack")]
    [InlineData("{half", "portable_json")]
    [InlineData("{\"json\":1}", "js_superjson")]
    [InlineData("\"a text\"", "portable_json")]
    public async Task A_message_that_cannot_be_read_ends_its_receiver_and_concerns_nobody_else(string stored, string format)
    {
        var receiver = Flows.Receiver<int>();
        var engine = await LaunchAsync(receiver);
        var poisoned = await engine.BeginAsync(receiver, 1, "R");
        var healthy = await engine.BeginAsync(receiver, 1, "H");
        await Database.InsertMessageAsync("R", stored, format: format);
        await engine.SendAsync("H", 7, cancellationToken: Cancel);

        var failure = await Assert.ThrowsAnyAsync<DbosException>(() => poisoned.ResultAsync());

        Assert.Equal("DBOS1005", failure is WorkflowFailedException failed ? failed.Failure.Code : failure.Code);
        Assert.Equal(WorkflowState.Error, await engine.StateOfAsync("R"));
        Assert.True(Assert.Single(await engine.GetMessagesAsync("R", Cancel)).Consumed);
        Assert.Equal([7], await healthy.ResultAsync());
    }

    [Fact]
    public async Task A_message_of_another_type_can_be_received_again_by_a_mended_workflow()
    {
        var broken = Flows.One("receiver", () => Step.Receive<int>());
        var engine = await LaunchAsync(broken);
        var handle = await engine.BeginAsync(broken, default, "R");
        await engine.SendAsync("R", "text", cancellationToken: Cancel);
        await Assert.ThrowsAnyAsync<DbosException>(() => handle.ResultAsync());

        var mended = Flows.One("receiver", () => Step.Receive<string>());
        engine = await FlipAndRelaunchAsync(engine, ["R"], mended);

        Assert.Equal("text", await engine.ResultAsync<string>("R"));
    }

    private static long Number(string? text) => long.Parse(text!, System.Globalization.CultureInfo.InvariantCulture);

    private Task<WorkflowEngine> LaunchFaultyAsync(params WorkflowDefinition[] definitions) =>
        LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), definitions);

    private static WorkflowDefinition<Unit, int> Gated(Probe gate)
    {
        return Workflow.Define<Unit, int>("gated", Body);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", s => gate.PassAsync(s));
            yield return Step.Receive<int>().As(out var message);
            yield return message.Result;
        }
    }

    private sealed record Order(string Item);
}
