namespace Dbos.Fluent.Samples;

/// <summary>
/// Orders, one of which fails, and how an operator responds: inspects, counts, forks from the failure, rewinds, marks, cleans up.
/// </summary>
internal static class Operations
{
    private static bool isDown = true;

    private static readonly WorkflowDefinition<int, string> Ship = Workflow.Define<int, string>("ship")
        .Step("pack", x => Task.FromResult($"parcel {x.Input}")).As(out var parcel)
        .Step("hand over", x => HandOverAsync(x.Input))
        .Return(x => x.Get(parcel));

    public static async Task<int> RunAsync(SampleSettings settings)
    {
        using var database = new SampleDatabase(settings);
        await using var engine = await database.LaunchAsync(o =>
        {
            o.Add(Ship);
            o.Retention = new() { OlderThan = TimeSpan.FromDays(30), KeepNewest = 100_000 };
        });
        var run = Guid.NewGuid().ToString("N")[..8];
        var starts = Enumerable.Range(1, 4).Select(n => (n, (StartOptions?)new StartOptions { Id = $"{run}-{n}" }));
        foreach (var handle in await engine.StartManyAsync(Ship, starts))
        {
            await ((Task)handle.GetResultAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        isDown = false;
        await foreach (var failed in engine.ListAsync(new() { Name = "ship", States = [WorkflowState.Error] }))
        {
            var fork = await engine.ForkFromFailureAsync(failed.Id);          // runs that step again under a new key, and none before it
            Console.WriteLine($"{failed.Id}: {failed.Error!.Message} Its fork: {await engine.Retrieve<string>(fork)}");
            await engine.SetAttributesAsync(failed.Id, new Dictionary<string, object?> { ["repairedBy"] = fork });    // replaces all
        }

        foreach (var count in await engine.CountAsync(new() { CreatedAfter = DateTimeOffset.UtcNow.AddDays(-1) }))
        {
            Console.WriteLine($"{count.Key,-10} {count.Count,3}, the oldest from {count.Oldest:u}");
        }

        await engine.RewindAsync($"{run}-1", fromSequence: 1);                // in place, from its second step on, with the same keys
        Console.WriteLine($"Handed over again: {await engine.Retrieve<string>($"{run}-1")}");
        await engine.DeleteAsync([$"{run}-1", $"{run}-2"], children: true);   // both or none
        var collected = await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.FromDays(7), States = [WorkflowState.Cancelled] });
        Console.WriteLine($"{collected.Workflows} cancelled workflows were older than a week.");
        return 0;
    }

    private static Task HandOverAsync(int number) => isDown && number == 3
        ? throw new InvalidOperationException("The carrier's door is closed.")
        : Task.CompletedTask;
}
