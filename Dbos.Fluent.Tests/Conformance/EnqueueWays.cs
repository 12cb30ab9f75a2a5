namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The ways in which a workflow comes into a queue, from code and from workflows; what comes is an iterator.</summary>
internal static class EnqueueWays
{
    private const string Never = "0 0 1 1 *";

    private static readonly WorkflowDefinition<int, int> Target = Workflow.Define<int, int>("target", TargetBody);
    private static readonly WorkflowDefinition<ScheduledRun, int> Ticked = Workflow.Define<ScheduledRun, int>("ticked", TickedBody);
    private static readonly WorkflowDefinition<string, string> Parent = Workflow.Define<string, string>("parent", ParentBody);
    private static readonly StartOptions InLine = new() { Queue = Line.Name };

    public static WorkflowQueue Line => new("line");

    public static WorkflowDefinition[] Definitions => [Target, Ticked, Parent];

    /// <summary>
    /// Those of which the process in which they are taken needs no look at the database's clock, without a transaction of the caller's own.
    /// </summary>
    public static IEnumerable<string> Plain =>
        ["start", "by name", "many", "step start", "step start many", "step call", "resume", "fork"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Puts a workflow that gives 1 into the line, and gives its id.</summary>
    public static async Task<string> EnqueueAsync(WorkflowEngine engine, TestDatabase database, string way)
    {
        switch (way)
        {
            case "start":
                return (await engine.StartAsync(Target, 1, InLine, Cancel)).Id;
            case "by name":
                return (await engine.EnqueueAsync<int>(Target.Name, [1], InLine, Cancel)).Id;
            case "many":
                return (await engine.StartManyAsync(Target, [(1, InLine), (2, InLine)], Cancel))[0].Id;
            case "transaction":
                return await InTransactionAsync(engine, database);
            case "resume":
                var stuck = await engine.StartAsync(Target, 1, new() { Queue = "nobody's" }, Cancel);
                await engine.ResumeAsync(stuck.Id, Line.Name, Cancel);
                return stuck.Id;
            case "fork":
                await engine.RunAsync(Target, 1, "ended");
                return await engine.ForkAsync("ended", 0, new() { Queue = Line.Name }, Cancel);
            case "trigger":
                await engine.Schedules.CreateAsync(
                    "s", Never, Ticked, options: new() { Queue = Line.Name }, cancellationToken: Cancel);
                return await engine.Schedules.TriggerAsync("s", Cancel);
            default:
                await engine.StartAsync(Parent, way, new() { Id = "P" }, Cancel);
                await Eventually.TrueAsync(async () => await database.WorkflowsAsync("workflow_uuid = 'P-0'") == 1, Bounded.Limit);
                return "P-0";
        }
    }

    private static async Task<string> InTransactionAsync(WorkflowEngine engine, TestDatabase database)
    {
        await using var connection = await database.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var handle = await engine.StartInTransactionAsync(transaction, Target, 1, InLine, Cancel);
        await transaction.CommitAsync(Cancel);
        return handle.Id;
    }

    private static async IAsyncEnumerable<StepOr<int>> TargetBody(int input, WorkflowContext workflow)
    {
        yield return Step.Run("one", _ => Task.FromResult(input)).As(out var one);
        yield return one.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> TickedBody(ScheduledRun run, WorkflowContext workflow)
    {
        yield return Step.Run("one", _ => Task.FromResult(1)).As(out var one);
        yield return one.Result;
    }

    private static async IAsyncEnumerable<StepOr<string>> ParentBody(string way, WorkflowContext workflow)
    {
        yield return way switch
        {
            "step start" => Step.Start(Target, 1, InLine),
            "step start many" => Step.StartMany(Target, [1, 2], _ => InLine),
            _ => Step.Call(Target, 1, InLine),
        };
        yield return way;
    }
}
