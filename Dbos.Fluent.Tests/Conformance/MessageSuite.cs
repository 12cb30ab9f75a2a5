namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Messages: who gets which, and when. Scenarios SV-01, SV-02, SV-03.</summary>
public abstract class MessageSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly long EndOfTimeMs = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    [Fact]
    public async Task Each_topic_is_an_inbox_of_its_own_and_a_replay_neither_sends_nor_consumes()
    {
        var (receiver, sender) = (Workflow.Define<Unit, string>("receiver", Receive), Workflow.Define<string>("sender", Send));
        var engine = await LaunchAsync(receiver, sender);
        var handle = await engine.BeginAsync(receiver, default, "R");
        await engine.RunAsync(sender, "R", "S");

        Assert.Equal("m2-m1-m3", await handle.ResultAsync());
        Assert.Equal("m2-m1-m3", await engine.RunAsync(receiver, default, "R"));
        await engine.RunAsync(sender, "R", "S");
        var stored = (await Database.StoredMessagesAsync(), await Database.StoredStepsAsync("R"), await Database.StoredStepsAsync("S"));
        engine = await FlipAndRelaunchAsync(engine, ["R", "S"], receiver, sender);

        Assert.Equal("m2-m1-m3", await engine.ResultAsync<string>("R"));
        await engine.ResultAsync<Unit>("S");
        Assert.Equal(
            stored, (await Database.StoredMessagesAsync(), await Database.StoredStepsAsync("R"), await Database.StoredStepsAsync("S")));
        Assert.Equal((3, 0), (await Database.MessagesAsync(), await Database.UnreadAsync()));

        static async IAsyncEnumerable<StepOr<string>> Receive(Unit input, WorkflowContext workflow)
        {
            yield return Step.Receive<string>("t").As(out var first);
            yield return Step.Receive<string>().As(out var second);
            yield return Step.Receive<string>().As(out var third);
            yield return $"{first.Result}-{second.Result}-{third.Result}";
        }

        static async IAsyncEnumerable<Step> Send(string to, WorkflowContext workflow)
        {
            yield return Step.Send(to, "m1");
            yield return Step.Send(to, "m2", "t");
            yield return Step.Send(to, "m3");
        }
    }

    [Fact]
    public async Task Messages_of_each_of_many_senders_arrive_in_the_order_in_which_they_were_sent()
    {
        const int Senders = 5;
        const int Each = 30;
        var receiver = Flows.Receiver<string>("t");
        var engine = await LaunchAsync(receiver);
        var other = await LaunchOtherAsync();
        var handle = await engine.BeginAsync(receiver, Senders * Each, "R");

        await Task.WhenAll(Enumerable.Range(0, Senders).Select(async sender =>
        {
            var client = sender % 2 == 0 ? engine : other;
            for (var i = 0; i < Each; i++)
            {
                await client.SendAsync("R", $"{sender} {i}", "t", cancellationToken: Cancel);
            }
        }));

        var received = (await handle.ResultAsync()).Select(text => text.Split(' ')).ToLookup(parts => parts[0], parts => parts[1]);
        Assert.Equal(Senders, received.Count);
        Assert.All(received, ofSender => Assert.Equal(Enumerable.Range(0, Each).Select(i => $"{i}"), ofSender));
        Assert.Equal(0, await Database.UnreadAsync());
    }

    [Fact]
    public async Task Messages_that_were_there_before_the_receiver_looked_arrive_in_order_too()
    {
        var gate = new Probe();
        var receiver = Workflow.Define<int, string>("late", Body);
        var engine = await LaunchAsync(receiver);
        var handle = await engine.BeginAsync(receiver, 20, "R");
        await gate.ReachedAsync();
        for (var i = 0; i < 20; i++)
        {
            await engine.SendAsync("R", i, cancellationToken: Cancel);
        }

        gate.Open();

        Assert.Equal(string.Join(',', Enumerable.Range(0, 20)), await handle.ResultAsync());

        async IAsyncEnumerable<StepOr<string>> Body(int count, WorkflowContext workflow)
        {
            yield return Step.Run("wait", s => gate.PassAsync(s));
            List<int> received = [];
            while (received.Count < count)
            {
                yield return Step.Receive<int>().As(out var message);
                received.Add(message.Result);
            }

            yield return string.Join(',', received);
        }
    }

    [Fact]
    public async Task A_message_to_an_unknown_workflow_is_refused_to_whoever_sends_it_from_outside_or_in_a_step()
    {
        var workflow = Workflow.Define<Unit, bool>("sending", Body);
        var engine = await LaunchAsync(workflow);

        var refused = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.SendAsync("nope", 1, cancellationToken: Cancel));

        Assert.Equal("nope", refused.WorkflowId);
        Assert.True(await engine.RunAsync(workflow, default, "A"));
        Assert.Equal(0, await Database.MessagesAsync());

        static async IAsyncEnumerable<StepOr<bool>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("send", s => s.Client.SendAsync("nope", 1, cancellationToken: s)).Try(out var sent);
            yield return sent.Error!.Is<NonExistentWorkflowException>();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_to_an_unknown_workflow_is_a_recorded_failure_of_the_step_also_once_the_workflow_exists(bool bulk)
    {
        var (workflow, nothing) = (Workflow.Define<Unit, string>("sending", Body), Flows.Nothing());
        var engine = await LaunchAsync(workflow, nothing);
        var first = await engine.RunAsync(workflow, default, "A");
        var stored = await Database.StoredStepsAsync("A");
        await engine.RunAsync(nothing, default, "nope");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, nothing);

        Assert.Equal((first, "DBOS5001 nope True"), (await engine.ResultAsync<string>("A"), first));
        Assert.Equal(stored, await Database.StoredStepsAsync("A"));
        Assert.Equal(bulk ? "0 DBOS.sendBulk failed" : "0 DBOS.send failed", await engine.StepsAsync("A"));
        Assert.Equal(0, await Database.MessagesAsync());

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return (bulk ? Step.SendMany([("A", 1, null, null), ("nope", 2, (string?)null, (string?)null)]) : Step.Send("nope", 1))
                .Try(out var sent);
            var (failure, names) = (sent.Error!, sent.Error!.Message.Contains("'nope'"));
            yield return $"{failure.Code} {(names ? "nope" : "")} {failure.Is<NonExistentWorkflowException>()}";
        }
    }

    [Fact]
    public async Task A_null_message_is_a_message_and_no_message_in_time_is_none()
    {
        var workflow = Workflow.Define<Unit, string>("two receives", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await engine.SendAsync<string?>("R", null, cancellationToken: Cancel);

        var first = await handle.ResultAsync();
        engine = await FlipAndRelaunchAsync(engine, ["R"], workflow);

        Assert.Equal(("True  False ", "True  False "), (first, await engine.ResultAsync<string>("R")));
        var waited = await Database.CountAsync(
            "SELECT completed_at_epoch_ms - started_at_epoch_ms FROM operation_outputs WHERE function_id = 2");
        Assert.InRange(waited, 200, 20_000);

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Receive<string?>(null, TimeSpan.FromSeconds(30)).As(out var first);
            yield return Step.Receive<string?>(null, TimeSpan.FromMilliseconds(200)).As(out var second);
            yield return $"{first.Result.HasValue} {first.Result.Value} {second.Result.HasValue} {second.Result.Value}";
        }
    }

    [Theory]
    [InlineData("zero")]
    [InlineData("past")]
    [InlineData("longest past")]
    public async Task A_receive_whose_time_is_over_looks_once(string when)
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, string>("looking", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await gate.ReachedAsync();
        await engine.SendAsync("R", "there", "t", cancellationToken: Cancel);
        gate.Open();

        Assert.Equal("there none", await handle.ResultAsync());
        Assert.Equal(5, await CheckpointCountAsync("R"));

        Step<Optional<string>> Look() => when switch
        {
            "zero" => Step.Receive<string>("t", TimeSpan.Zero),
            "past" => Step.Receive<string>("t", DateTimeOffset.UtcNow.AddHours(-1)),
            _ => Step.Receive<string>("t", DateTimeOffset.MinValue),
        };

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", s => gate.PassAsync(s));
            yield return Look().As(out var first);
            yield return Look().As(out var second);
            yield return $"{first.Result.ValueOr("none")} {second.Result.ValueOr("none")}";
        }
    }

    [Theory]
    [InlineData("infinite")]
    [InlineData("longest")]
    [InlineData("until the end")]
    public async Task A_wait_without_an_end_is_stored_as_one_until_the_end_of_time(string how)
    {
        var workflow = Flows.One("endless", () => how switch
        {
            "infinite" => Step.Receive<int>(null, Timeout.InfiniteTimeSpan),
            "longest" => Step.Receive<int>(null, TimeSpan.MaxValue),
            _ => Step.Receive<int>(null, DateTimeOffset.MaxValue),
        });
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await Eventually.TrueAsync(() => Database.HasStepAsync("R", 1), Bounded.Limit);
        engine = await RelaunchAsync(engine, workflow);

        await engine.SendAsync("R", 7, cancellationToken: Cancel);

        Assert.Equal(new Optional<int>(true, 7), await engine.ResultAsync<Optional<int>>(handle.Id));
        Assert.Equal($"1 DBOS.sleep {EndOfTimeMs} portable_json", (await Database.StepRowsAsync("R"))[1]);
    }

    [Fact]
    public async Task The_moment_at_which_a_wait_ends_survives_a_relaunch()
    {
        var time = new ManualTimeProvider();
        var workflow = Flows.One("waiting", () => Step.Receive<int>(null, TimeSpan.FromHours(1)));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        await engine.BeginAsync(workflow, default, "R");
        await Eventually.TrueAsync(() => Database.HasStepAsync("R", 1), Bounded.Limit);
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMilliseconds(1));
        engine = await LaunchAsync(options => options.TimeProvider = time, workflow);

        Assert.False((await engine.ResultAsync<Optional<int>>("R")).HasValue);
    }

    [Fact]
    public async Task A_message_that_came_while_nobody_ran_is_received_although_the_time_is_over()
    {
        var time = new ManualTimeProvider();
        var workflow = Flows.One("waiting", () => Step.Receive<int>(null, TimeSpan.FromHours(1)));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        await engine.BeginAsync(workflow, default, "R");
        await Eventually.TrueAsync(() => Database.HasStepAsync("R", 1), Bounded.Limit);
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        await Database.InsertMessageAsync("R", "7");
        time.Advance(TimeSpan.FromHours(2));
        engine = await LaunchAsync(options => options.TimeProvider = time, workflow);

        Assert.Equal(7, (await engine.ResultAsync<Optional<int>>("R")).Value);
    }

    [Fact]
    public async Task Of_two_receives_at_once_the_lower_number_takes_the_older_message()
    {
        var workflow = Flows.One(
            "at once", () => Step.All(Step.Receive<string>("t"), Step.Receive<string>("t"), Step.Receive<string>()));
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");

        await engine.SendManyAsync(
            [("R", "older", "t", null), ("R", "other", null, null), ("R", "newer", "t", null)], cancellationToken: Cancel);

        Assert.Equal(["older", "newer", "other"], await handle.ResultAsync());
        var consumed = await Database.QueryAsync("SELECT consumed_by_function_id FROM notifications ORDER BY consumed_by_function_id");
        Assert.Equal(["0", "2", "4"], consumed.Select(row => row[0]));
    }

    private Task<WorkflowEngine> LaunchOtherAsync(params WorkflowDefinition[] definitions) =>
        LaunchAsync(options => options.ExecutorId = "executor-2", definitions);
}
