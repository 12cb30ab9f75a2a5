namespace Dbos.Fluent.Tests.Worker;

/// <summary>What a worker can be asked to do, by name.</summary>
internal static class Scenarios
{
    public static IReadOnlyDictionary<string, Func<WorkerContext, Task>> All { get; } = new Dictionary<string, Func<WorkerContext, Task>>
    {
        ["count"] = CountAsync,
    };

    /// <summary>Reaches the points 1 to <c>to</c>, and nothing else: it shows that the machinery works.</summary>
    private static async Task CountAsync(WorkerContext worker)
    {
        for (var number = 1; number <= worker.Number("to"); number++)
        {
            await worker.Points.ReachAsync($"{number}", $"number {number}");
        }
    }
}
