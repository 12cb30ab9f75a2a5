using static Dbos.Fluent.Tests.Conformance.Parkable;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Every kind of wait leaves memory, and goes on when what it waits for has come, where it left or at another engine.</summary>
public abstract class LeavingSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    // No poll comes within a test.
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(30);
    private static readonly string[] Targets = ["A", "A-1", "A-2"];

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();

    // A kind, what is done for it to go on, and its result.
    private static readonly (string Kind, string Comes, string Result)[] Kinds =
    [
        ("sleep", "time", "slept"),
        ("sleep until", "time", "slept"),
        ("receive", "message", "7"),
        ("receive in time", "message", "7"),
        ("receive in time", "time", "none"),
        ("event", "event", "7"),
        ("event", "time", "none"),
        ("call", "child 1", "7"),
        ("await", "child 1", "7"),
        ("await any", "child 2", "1"),
        ("await all", "child 2, child 1", "7 7"),
        ("all", "event, child 1, message, time", "all"),
        ("all outcomes", "message, child 1", "7 7"),
        ("any", "child 1", "0"),
        ("any", "message", "1"),
        ("any", "event", "2"),
        ("any", "time", "3"),
    ];

    public static TheoryData<string, string, string, bool> Waits { get; } = new(
        from kind in Kinds
        from elsewhere in new[] { false, true }
        select (kind.Kind, kind.Comes, kind.Result, elsewhere));

    [Theory]
    [MemberData(nameof(Waits))]
    public async Task A_wait_that_has_left_goes_on_when_what_it_waits_for_has_come(string kind, string comes, string result, bool elsewhere)
    {
        var (child, setter) = (Child(), Flows.Series("setter", () => [Step.SetEvent("k", 7)]));
        var workflow = Waiting(kind, child);
        var engine = await LaunchAsync("first", workflow, child, setter);
        await engine.BeginAsync(workflow, default, "A");
        await AllLeftAsync(engine);
        if (elsewhere)
        {
            await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
            engine = await LaunchAsync("second", workflow, child, setter);
        }

        Assert.Equal(
            [["DELAYED", null, "1"]],
            await Database.QueryAsync("SELECT status, owner_xid, recovery_attempts FROM workflow_status WHERE workflow_uuid = 'A'"));
        foreach (var one in comes.Split(", "))
        {
            await ComesAsync(engine, one, setter);
        }

        Assert.Equal(result, await engine.ResultAsync<string>("A"));
        Assert.Equal(1, counts["before"]);
        Assert.InRange(counts["bodies"], 2, int.MaxValue);
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal((elsewhere ? "second" : "first", 1), (status.ExecutorId, status.RecoveryAttempts));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM fluent_waits WHERE workflow_uuid = 'A'"));
    }

    private Task<WorkflowEngine> LaunchAsync(string executor, params WorkflowDefinition[] definitions) => LaunchAsync(
        options =>
        {
            (options.ExecutorId, options.TimeProvider) = (executor, time);
            (options.UnloadAfter, options.PollInterval) = (TimeSpan.Zero, Rarely);
        },
        definitions);

    // Its children wait as well, and leave as it does.
    private Task AllLeftAsync(WorkflowEngine engine) => Task.WhenAll(Targets.Select(async id =>
    {
        if (id == "A" || await engine.GetStatusAsync(id, Cancel) is not null)
        {
            await ParkedAsync(engine, id);
        }
    }));

    private async Task ComesAsync(WorkflowEngine engine, string what, WorkflowDefinition<Unit, Unit> setter)
    {
        switch (what)
        {
            case "time":
                time.Advance(Day);
                break;
            case "message":
                await engine.SendAsync("A", 7, "t", cancellationToken: Cancel);
                break;
            case "event":
                await engine.RunAsync(setter, default, "W");
                break;
            default:
                await engine.SendAsync($"A-{what[^1]}", 7, "go", cancellationToken: Cancel);
                break;
        }
    }

    private static WorkflowDefinition<Unit, int> Child() => Flows.One("child", () => Step.Receive<int>("go"));

    private WorkflowDefinition<Unit, string> Waiting(string kind, WorkflowDefinition<Unit, int> child)
    {
        return Workflow.Define<Unit, string>("waiting", Body);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            counts.Add("bodies");
            yield return Step.Run("before", _ => Task.FromResult(counts.Add("before")));
            if (kind.StartsWith("await", StringComparison.Ordinal))
            {
                yield return Step.StartMany(child, [default, default]).As(out var handles);
                var (awaits, end) = AwaitOf(kind, handles.Result);
                yield return awaits;
                yield return end();
                yield break;
            }

            var (wait, result) = WaitOf(kind, child, workflow);
            yield return wait;
            yield return result();
        }
    }

    private static (Step Wait, Func<string> Result) AwaitOf(string kind, IReadOnlyList<WorkflowHandle<int>> handles)
    {
        var (one, any, all) = (Step.Await(handles[0]), Step.AwaitAny(handles), Step.AwaitAll(handles));
        return kind switch
        {
            "await" => (one, () => $"{one.Result}"),
            "await any" => (any, () => $"{any.Result}"),
            _ => (all, () => string.Join(' ', all.Result)),
        };
    }

    private static (Step Wait, Func<string> Result) WaitOf(
        string kind, WorkflowDefinition<Unit, int> child, WorkflowContext workflow)
    {
        var (message, inTime) = (Step.Receive<int>("t"), Step.Receive<int>("t", Day));
        var (set, call) = (Step.GetEvent<int>("W", "k", Day), Step.Call(child, default));
        var any = Step.Any(call, message, Step.GetEvent<int>("W", "k", Day * 2), Step.Sleep(Day));
        var outcomes = Step.AllOutcomes([call, message]);
        return kind switch
        {
            "sleep" => (Step.Sleep(Day), () => "slept"),
            "sleep until" => (Step.SleepUntil(workflow.UtcNow + Day), () => "slept"),
            "receive" => (message, () => $"{message.Result}"),
            "receive in time" => (inTime, () => Text(inTime.Result)),
            "event" => (set, () => Text(set.Result)),
            "call" => (call, () => $"{call.Result}"),
            "all" => (Step.All(call, message, Step.GetEvent<int>("W", "k", Day * 2), Step.Sleep(Day)), () => "all"),
            "all outcomes" => (outcomes, () => string.Join(' ', outcomes.Result.Select(one => one.Result))),
            _ => (any, () => $"{any.Result}"),
        };

        static string Text(Optional<int> value) => value.HasValue ? $"{value.Value}" : "none";
    }
}
