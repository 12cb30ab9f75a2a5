using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>
/// A wait with a limit, in a process that hears nothing: what came in time and was not heard is found when the time is over, as a lost
/// signal may cost time and never an event.
/// </summary>
public sealed class PostgresUnheardTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ManualTimeProvider time = new();
    private readonly Probe back = new();
    private readonly Probe busy = new();
    private readonly Probe write = new();

    public static TheoryData<string> Waiters { get; } = ["receive", "event", "stream", "client's event", "client's stream"];

    [Theory]
    [MemberData(nameof(Waiters))]
    public async Task What_came_in_time_and_was_not_heard_is_found_when_the_time_is_over(string waiter)
    {
        var (waiting, writer) = (Waiting(waiter), Writer());
        var deaf = await LaunchAsync(
            options =>
            {
                (options.PollInterval, options.UnloadAfter) = (Hour, Timeout.InfiniteTimeSpan);
                options.TimeProvider = time;
                options.WrapStore = store => new DeafStore(store, back);
            },
            waiting,
            writer);
        var other = await LaunchAsync(
            options => (options.ExecutorId, options.TimeProvider) = ("executor-2", time), writer);
        var written = await other.BeginAsync(writer, default, "W");
        await write.ReachedAsync();
        var handle = await deaf.BeginAsync(waiting, default, "R");
        var result = waiter switch
        {
            "client's event" => EventAsync(),
            "client's stream" => deaf.ReadStreamAsync<int>("W", "s", 0, Hour, Cancel).FirstAsync(Cancel).AsTask(),
            _ => handle.GetResultAsync(Cancel),
        };
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "the wait has begun");

        write.Open();
        await written.ResultAsync();
        time.Advance(Hour);

        Assert.Equal(7, await result.Within(Bounded.Limit));
        busy.Open();

        async Task<int> EventAsync() => (await deaf.GetEventAsync<int>("W", "k", Hour, Cancel)).Value;
    }

    [Fact]
    public async Task A_wait_for_which_nothing_came_ends_with_nothing()
    {
        var waiting = Waiting("event");
        var engine = await LaunchAsync(
            options => (options.UnloadAfter, options.TimeProvider) = (Timeout.InfiniteTimeSpan, time), waiting, Writer());
        var handle = await engine.BeginAsync(waiting, default, "R");
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "the wait has begun");

        time.Advance(Hour);

        Assert.Equal(-1, await handle.ResultAsync());
    }

    private WorkflowDefinition<Unit, Unit> Writer() => Flows.Series(
        "writer",
        () =>
        [
            Step.Run("write", s => write.PassAsync(s.CancellationToken)),
            Step.SetEvent("k", 7),
            Step.WriteStream("s", 7),
            Step.Send("R", 7),
        ]);

    private WorkflowDefinition<Unit, int> Waiting(string waiter)
    {
        return Workflow.Define<Unit, int>("waiting", Body);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            switch (waiter)
            {
                case "receive":
                    yield return Step.Receive<int>(null, Hour).As(out var message);
                    yield return message.Result.ValueOr(-1);
                    break;
                case "event":
                    yield return Step.GetEvent<int>("W", "k", Hour).As(out var set);
                    yield return set.Result.ValueOr(-1);
                    break;
                case "stream":
                    yield return Step.ReadStream<int>("W", "s", 0, Hour).As(out var value);
                    yield return value.Result.ValueOr(-1);
                    break;
                default:
                    yield return Step.Run("busy", s => busy.PassAsync(s.CancellationToken));
                    yield return 0;
                    break;
            }
        }
    }
}
