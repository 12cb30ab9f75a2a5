namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that wait long enough to leave memory, and the wait until one has.</summary>
internal static class Parkable
{
    public static WorkflowDefinition<Unit, int> Receiving() => Workflow.Define<Unit, int>("receiving")
        .Receive<int>("t", TimeSpan.FromDays(2)).As(out var message)
        .Return(x => x.Get(message).ValueOr(-1));

    /// <summary>Counts its step <c>before</c> the sleep and the one <c>after</c> it.</summary>
    public static WorkflowDefinition<Unit, int> Sleeping(Counts counts, TimeSpan duration) => Workflow.Define<Unit, int>("sleeping")
        .Step("before", _ => Task.FromResult(counts.Add("before")))
        .Sleep(duration)
        .Step("after", _ => Task.FromResult(counts.Add("after")))
        .Return(_ => 1);

    public static Task ParkedAsync(WorkflowEngine engine, string id) => Eventually.TrueAsync(
        async () => (await engine.GetStatusAsync(id, TestContext.Current.CancellationToken))?.Parked == true,
        Bounded.Limit,
        $"{id} is parked");
}
