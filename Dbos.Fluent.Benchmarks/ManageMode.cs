using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>What it costs to look at a long table: pages of lists by each filter, and counts.</summary>
internal static class ManageMode
{
    private const int Repeats = 20;

    public static async Task<int> RunAsync(Arguments run)
    {
        var n = run.Number("n", 1_000_000);
        await using var engine = await LaunchAsync(run);
        var prefix = $"{Guid.NewGuid():N}-";
        await ManageRows.MakeAsync(run, n, prefix, unended: true);
        var rounds = run.Number("rounds", 3);
        foreach (var (name, filter) in Filters(n, prefix))
        {
            var page = new Figures($"page of 100 by {name} (p50 of {Repeats})", "ms");
            var slowest = new Figures("  the slowest", "ms");
            for (var round = 0; round < rounds; round++)
            {
                var took = await RepeatAsync(async () => await engine.ListAsync(filter with { Limit = 100 }).CountAsync());
                page.Add(took[Repeats / 2]);
                slowest.Add(took[^1]);
            }

            page.Print();
            slowest.Print();
        }

        var bare = new Figures($"a bare SELECT status, count(*) GROUP BY status (p50 of {Repeats})", "ms");
        bare.Add((await RepeatAsync(() => ManageRows.CountAsync(run)))[Repeats / 2]);
        bare.Print();
        foreach (var by in Enum.GetValues<CountBy>())
        {
            var counted = new Figures($"count {n} by {by} (p50 of {Repeats})", "ms");
            for (var round = 0; round < rounds; round++)
            {
                counted.Add((await RepeatAsync(async () => await engine.CountAsync(by: by)))[Repeats / 2]);
            }

            counted.Print();
            counted.PrintRatio(bare);
        }

        var all = new Figures($"list all {n} without payloads", "rows/s");
        var clock = Stopwatch.StartNew();
        var listed = await engine.ListAsync(new() { LoadPayloads = false }).CountAsync();
        all.Add(listed / clock.Elapsed.TotalSeconds);
        all.Print();
        Console.WriteLine($"resident {Environment.WorkingSet / 1048576.0:0.0} MiB");
        return 0;
    }

    private static async Task<List<double>> RepeatAsync(Func<Task> call)
    {
        var took = new List<double>();
        for (var i = 0; i < Repeats; i++)
        {
            var clock = Stopwatch.StartNew();
            await call();
            took.Add(clock.Elapsed.TotalMilliseconds);
        }

        took.Sort();
        return took;
    }

    private static (string Name, WorkflowFilter Filter)[] Filters(int n, string prefix) =>
    [
        ("id", new() { Ids = [.. Enumerable.Range(1, 100).Select(i => $"{prefix}job-{i * 17:00000000}")] }),
        ("id prefix", new() { IdPrefix = prefix + "order-" }),
        ("status SUCCESS", new() { States = [WorkflowState.Success] }),
        ("status ENQUEUED", new() { States = [WorkflowState.Enqueued] }),
        ("status DELAYED", new() { States = [WorkflowState.Delayed] }),
        ("status PENDING", new() { States = [WorkflowState.Pending] }),
        ("status ERROR", new() { States = [WorkflowState.Error] }),
        ("all that is queued", new() { QueuedOnly = true }),
        ("queue", new() { Queue = "rare" }),
        ("parent", new() { ParentId = $"{prefix}job-{n / 2 / 5000 * 5000:00000000}" }),
        ("fork", new() { ForkedFrom = $"{prefix}job-{n / 2 / 50000 * 50000:00000000}" }),
        ("schedule", new() { ScheduleName = "nightly" }),
        ("created time", new() { CreatedAfter = DateTimeOffset.UtcNow.AddMilliseconds(-n / 2) }),
        ("completed time", new() { CompletedAfter = DateTimeOffset.UtcNow.AddMilliseconds(-n / 10) }),
        ("name", new() { Name = "rare" }),
        ("version", new() { ApplicationVersion = "v4" }),
        ("name, newest first", new() { Name = "workflow 3", NewestFirst = true }),
    ];

    private static Task<WorkflowEngine> LaunchAsync(Arguments run) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.ListenTo = [];
    });
}
