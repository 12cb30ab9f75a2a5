namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Messages and forks: sent to all forks from a step, received before a fork was made. Scenarios SV-02, SV-03, SV-06.</summary>
public abstract class ForkMessageSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly string[] Family = ["root", "fork", "fork of the fork"];

    private readonly Counts counts = new();

    [Theory]
    [InlineData(Form.Iterator, true, "1")]
    [InlineData(Form.Iterator, false, "1 2")]
    [InlineData(Form.Fluent, true, "1")]
    [InlineData(Form.Fluent, false, "1 2")]
    public async Task A_step_sends_to_all_forks_once_for_each_attempt_unless_it_gives_a_key(Form form, bool keyed, string expected)
    {
        var nothing = Flows.Nothing();
        var sender = form.Pick(
            Flows.Series("sender", () => [Step.Run("send", SendAsync).Retry(delay: TimeSpan.Zero)]),
            Workflow.Define<Unit>("sender").Step("send", x => SendAsync(x.Step)).Retry(delay: TimeSpan.Zero).End());
        var engine = await LaunchAsync(nothing, sender);
        await MakeFamilyAsync(engine, nothing);
        await engine.RunAsync(nothing, default, "stranger");

        await engine.RunAsync(sender, default, "S");
        engine = await FlipAndRelaunchAsync(engine, ["S"], nothing, sender);
        await engine.ResultAsync<Unit>("S");

        foreach (var id in Family)
        {
            Assert.Equal((id, expected), (id, await ReceivedAsync(engine, id)));
        }

        Assert.Equal(("", "0 send", 2), (await ReceivedAsync(engine, "stranger"), await engine.StepsAsync("S"), counts["send"]));

        async Task SendAsync(StepContext s)
        {
            var attempt = counts.Add("send");
            await s.Workflows.SendAsync(
                "root", attempt, idempotencyKey: keyed ? s.IdempotencyKey : null, toForks: true, cancellationToken: s);
            _ = attempt < 2 ? throw new InvalidOperationException("again") : 0;
        }
    }

    [Theory]
    [InlineData("client")]
    [InlineData("step")]
    public async Task A_message_for_forks_that_cannot_be_sent_reaches_none_of_them(string sender)
    {
        var nothing = Flows.Nothing();
        var sending = Workflow.Define<string, string>("sending").Step("send", async x =>
        {
            await SendAsync(x.Step.Workflows, x.Input, x.CancellationToken);
            return "sent";
        }).Try(out var sent).Return(x => x.Get(sent).Error is { } error ? $"{error.TypeName}: {error.Message}" : "sent");
        var engine = await LaunchAsync(nothing, sending);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        await MakeFamilyAsync(engine, nothing);

        foreach (var (what, type, part) in ((string, string, string)[])
        [
            ("unknown", "Dbos.Fluent.NonExistentWorkflowException", "'nope'"),
            ("topic", "System.ArgumentException", "opic"),
            ("value", "Dbos.Fluent.SerializationFailedException", "workflow 'root'"),
        ])
        {
            var told = sender == "step" ? await engine.RunAsync(sending, what, what) : await RefusedAsync(what);
            Assert.StartsWith(type, told, StringComparison.Ordinal);
            Assert.Contains(part, told, StringComparison.Ordinal);
        }

        Assert.Equal(0, await Database.MessagesAsync());

        async Task<string> RefusedAsync(string what)
        {
            var refused = await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(client, what, Cancel));
            return $"{refused.GetType().FullName}: {refused.Message}";
        }

        static Task SendAsync(WorkflowClient by, string what, CancellationToken cancel) => what switch
        {
            "unknown" => by.SendAsync("nope", 1, toForks: true, cancellationToken: cancel),
            "topic" => by.SendAsync("root", 1, topic: " ", toForks: true, cancellationToken: cancel),
            _ => by.SendAsync("root", () => 1, toForks: true, cancellationToken: cancel),
        };
    }

    // SV-03, SV-06: the same key for two messages, for two destinations, and two keys; by each way to send.
    [Theory]
    [InlineData("client")]
    [InlineData("workflow")]
    [InlineData("step")]
    [InlineData("step's client")]
    public async Task A_key_is_one_of_its_destination_whoever_sends(string way)
    {
        (string Id, string Text, string Key)[] all =
            [("A", "a1", "one"), ("A", "a2", "one"), ("B", "b1", "one"), ("A", "a3", "two"), ("B", "b2", "one")];
        var nothing = Flows.Nothing();
        var sender = Flows.Series("sender", () => all.Select(one => way switch
        {
            "workflow" => (Step)Step.Send(one.Id, one.Text, null, one.Key),
            "step" => Step.Run("send", s => s.Client.SendAsync(one.Id, one.Text, null, one.Key, s)),
            _ => Step.Run("send", s => s.Workflows.SendAsync(one.Id, one.Text, null, one.Key, cancellationToken: s)),
        }));
        var engine = await LaunchAsync(nothing, sender);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        await engine.RunAsync(nothing, default, "A");
        await engine.RunAsync(nothing, default, "B");

        foreach (var (id, text, key) in way == "client" ? all : [])
        {
            await client.SendAsync(id, text, idempotencyKey: key, cancellationToken: Cancel);
        }

        await (way == "client" ? Task.CompletedTask : engine.RunAsync(sender, default, "S"));

        Assert.Equal(("\"a1\" \"a3\"", "\"b1\""), (await ReceivedAsync(engine, "A"), await ReceivedAsync(engine, "B")));
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_fork_past_a_null_and_past_a_wait_for_nothing_has_both_at_once_and_takes_no_message(Form form)
    {
        var time = new ManualTimeProvider();
        var workflow = form.Pick(
            Workflow.Define<Unit, string>("two receives", Body),
            Workflow.Define<Unit, string>("two receives")
                .Receive<string?>("t", TimeSpan.FromHours(1)).As(out var one).Receive<string?>("t", TimeSpan.FromHours(1)).As(out var two)
                .Return(x => Text(x.Get(one), x.Get(two))));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "R");
        await engine.SendAsync<string?>("R", null, "t", cancellationToken: Cancel);
        await Eventually.TrueAsync(
            async () => await Database.HasStepAsync("R", 3) && time.TimersPending > 0, Bounded.Limit, "it waits for the second");
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal("null none", await handle.ResultAsync());

        // The clock stands still from now on, so a wait would have no end.
        await engine.ForkAsync("R", 4, new() { Id = "past both" }, Cancel);
        await engine.ForkAsync("R", 2, new() { Id = "past one" }, Cancel);
        Assert.Equal("null none", await engine.ResultAsync<string>("past both"));
        await engine.SendAsync("past both", "late", "t", cancellationToken: Cancel);
        await engine.SendAsync("past one", "there", "t", cancellationToken: Cancel);

        Assert.Equal("null there", await engine.ResultAsync<string>("past one"));
        Assert.Equal(1, await Database.UnreadAsync());
        Assert.Equal("0 DBOS.recv, 1 DBOS.sleep, 2 DBOS.recv, 3 DBOS.sleep", await engine.StepsAsync("past both"));

        static string Text(Optional<string?> first, Optional<string?> second) => $"{Of(first)} {Of(second)}";

        static string Of(Optional<string?> message) => message.HasValue ? message.Value ?? "null" : "none";

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Receive<string?>("t", TimeSpan.FromHours(1)).As(out var first);
            yield return Step.Receive<string?>("t", TimeSpan.FromHours(1)).As(out var second);
            yield return Text(first.Result, second.Result);
        }
    }

    // A workflow, its fork, and a fork of that, all ended.
    private static async Task MakeFamilyAsync(WorkflowEngine engine, WorkflowDefinition<Unit, Unit> workflow)
    {
        await engine.RunAsync(workflow, default, Family[0]);
        for (var i = 1; i < Family.Length; i++)
        {
            await engine.ForkAsync(Family[i - 1], 0, new() { Id = Family[i] }, Cancel);
            await engine.ResultAsync<Unit>(Family[i]);
        }
    }

    private static async Task<string> ReceivedAsync(WorkflowEngine engine, string id) =>
        string.Join(' ', (await engine.GetMessagesAsync(id, Cancel)).Select(message => message.Value));
}
