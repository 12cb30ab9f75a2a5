using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Waits of every length, from none to a hundred years. Scenario SL-02, for all that waits.</summary>
public abstract class WaitLengthSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly string[] Kinds = ["sleep until", "receive", "receive until", "event", "stream", "delay", "timeout"];

    private readonly Probe gate = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15_000)]
    public async Task None_and_parts_of_a_millisecond_are_waited_on_the_real_clock(long ticks)
    {
        var length = TimeSpan.FromTicks(ticks);
        var writer = Flows.Series("writer", () => [Step.Run("wait", s => gate.PassAsync(s))]);
        var workflow = Workflow.Define<Unit, string>("brief", Body);
        var engine = await LaunchAsync(writer, workflow);
        await engine.BeginAsync(writer, default, "W");
        await gate.ReachedAsync();

        Assert.Equal("none none none late none late", await engine.RunAsync(workflow, default, "A"));
        Assert.False((await engine.GetEventAsync<int>("W", "k", length, Cancel).Within(Bounded.Limit)).HasValue);
        await using var reader = engine.ReadStreamAsync<int>("W", "s", 0, length, Cancel).GetAsyncEnumerator(Cancel);
        await Assert.ThrowsAsync<StreamTimeoutException>(() => reader.MoveNextAsync().Within(Bounded.Limit));
        var ends = await Database.QueryAsync(
            "SELECT output, started_at_epoch_ms FROM operation_outputs WHERE workflow_uuid = 'A' AND function_id IN (1, 5)");
        Assert.Equal(2, ends.Count);
        Assert.All(ends, row => Assert.Equal(Math.Ceiling(length.TotalMilliseconds), Number(row[0]) - Number(row[1])));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Receive<int>("t", length).As(out var message);
            yield return Step.Receive<int>("t", workflow.UtcNow + length).As(out var until);
            yield return Step.GetEvent<int>("W", "k", length).As(out var value);
            yield return Step.ReadStream<int>("W", "s", 0, length).Try(out var read);
            yield return Step.Run("inside", async s => (await s.Client.GetEventAsync<int>("W", "k", length, s)).HasValue)
                .As(out var inside);
            yield return Step.Run("reading", s => s.Client.ReadStreamAsync<int>("W", "s", 0, length, s).FirstAsync(s).AsTask())
                .Try(out var reading);
            yield return Step.SleepUntil(workflow.UtcNow + length);
            yield return string.Join(
                ' ',
                Text(message.Result.HasValue),
                Text(until.Result.HasValue),
                Text(value.Result.HasValue),
                read.Error?.Is<StreamTimeoutException>() == true ? "late" : "read",
                Text(inside.Result),
                reading.Error?.Is<StreamTimeoutException>() == true ? "late" : "read");
        }

        static string Text(bool some) => some ? "some" : "none";
    }

    // A timer of the runtime takes no more than 49.7 days, a number of milliseconds in 32 bits no more than 24.8.
    [Theory]
    [InlineData(26, true)]
    [InlineData(60, true)]
    [InlineData(36525, true)]
    [InlineData(26, false)]
    [InlineData(60, false)]
    [InlineData(36525, false)]
    public async Task Long_waits_on_the_real_clock_end_with_what_they_wait_for_and_not_before(int days, bool leavesMemory)
    {
        var length = TimeSpan.FromDays(days);
        var setter = Flows.Series(
            "setter", () => [Step.Run("wait", s => gate.PassAsync(s)), Step.SetEvent("k", 7), Step.WriteStream("s", 7)]);
        var workflow = Workflow.Define<string, int>("long", (kind, context) => WaitAsync(kind, context, length));
        var engine = await LaunchAsync(
            options => options.UnloadAfter = leavesMemory ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, setter, workflow);
        await engine.BeginAsync(setter, default, "W");
        await gate.ReachedAsync();
        foreach (var kind in Kinds)
        {
            var options = new StartOptions { Id = kind };
            options = kind == "delay" ? options with { Delay = length } : kind == "timeout" ? options with { Timeout = length } : options;
            await engine.StartAsync(workflow, kind, options, Cancel);
        }

        var value = engine.GetEventAsync<int>("W", "k", length, Cancel);
        var read = engine.ReadStreamAsync<int>("W", "s", valueTimeout: length, cancellationToken: Cancel).FirstAsync(Cancel);
        await WaitingAsync(engine, leavesMemory);
        Assert.False(value.IsCompleted || read.IsCompleted);
        Assert.Equal(8, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status IN ('PENDING', 'DELAYED')"));

        gate.Open();
        foreach (var kind in new[] { "receive", "receive until", "timeout" })
        {
            await engine.SendAsync(kind, 7, "t", cancellationToken: Cancel);
        }

        foreach (var kind in new[] { "receive", "receive until", "event", "stream", "timeout" })
        {
            Assert.Equal((kind, 7), (kind, await engine.ResultAsync<int>(kind)));
        }

        Assert.Equal((7, 7), ((await value.Within(Bounded.Limit)).Value, await read.Within(Bounded.Limit)));
        await engine.CancelAsync(["sleep until", "delay"], cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await engine.Retrieve<int>("sleep until").CancellationAsync());
        Assert.Equal(CancellationReason.Cancelled, await engine.Retrieve<int>("delay").CancellationAsync());
    }

    private async Task WaitingAsync(WorkflowEngine engine, bool leavesMemory)
    {
        // The sleep, the two receives and the event; the receive without a time of its own has no row.
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'") == 4,
            Bounded.Limit,
            "all that ends by itself says when");

        // The step reads one value, and the client as many as there are: they look apart.
        await Eventually.TrueAsync(
            async () => engine.Core.Wakeups.Streams.Count == 2 && (leavesMemory
                ? await Database.CountAsync("SELECT count(*) FROM fluent_waits") == 5
                : engine.Core.Wakeups.Inboxes.Count == 3),
            Bounded.Limit,
            "all wait");
    }

    private static async IAsyncEnumerable<StepOr<int>> WaitAsync(string kind, WorkflowContext workflow, TimeSpan length)
    {
        Step<Optional<int>>? wait = kind switch
        {
            "receive" => Step.Receive<int>("t", length),
            "receive until" => Step.Receive<int>("t", workflow.UtcNow + length),
            "event" => Step.GetEvent<int>("W", "k", length),
            "stream" => Step.ReadStream<int>("W", "s", 0, length),
            _ => null,
        };
        if (wait is not null)
        {
            yield return wait;
            yield return wait.Result.ValueOr(-1);
        }

        if (kind == "timeout")
        {
            yield return Step.Receive<int>("t").As(out var message);
            yield return message.Result;
        }

        yield return Step.SleepUntil(workflow.UtcNow + length);
        yield return -2;
    }

    private static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);
}
