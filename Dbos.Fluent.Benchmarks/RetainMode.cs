using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>How quickly ended workflows are deleted, and what a steady load beside it notices.</summary>
internal static class RetainMode
{
    private static readonly WorkflowDefinition<int, int> Single =
        Workflow.Define<int, int>("single").Step("one", x => Task.FromResult(x.Input)).As(out var one).Return(x => x.Get(one));

    private const int WarmSeconds = 4;

    private static readonly RetentionPolicy Ended = new() { OlderThan = TimeSpan.Zero };

    public static async Task<int> RunAsync(Arguments run)
    {
        var (n, rate, seconds) = (run.Number("n", 200_000), run.Number("rate", 500), run.Number("seconds", 20));
        var deleted = new Figures($"delete {n} ended workflows of 2 steps", "workflows/s");
        var alone = new Figures($"{rate} workflows/s, p99 from start to result", "ms");
        var beside = new Figures("  the same beside an engine's retention", "ms");
        var called = new Figures("  the same beside CollectGarbageAsync", "ms");
        var insert = Figures.Insert();
        for (var round = 0; round < run.Number("rounds", 3); round++)
        {
            await using var engine = await LaunchAsync(run, null);
            await ManageRows.MakeAsync(run, n, $"{Guid.NewGuid():N}-", unended: false);
            insert.Add(await BareInserts.OneAsync(run));
            var clock = Stopwatch.StartNew();
            var gone = await engine.CollectGarbageAsync(Ended);
            deleted.Add(gone.Workflows / clock.Elapsed.TotalSeconds);

            await MakeBesideAsync(run, rate * seconds);

            // An engine with a peer announces what it does. The one that retains is a peer, so there is one in the other loads too.
            await using (await LaunchAsync(run, null))
            {
                alone.Add(await WarmLoadAsync(engine, rate, seconds));
                using var enough = new CancellationTokenSource();
                var collecting = CollectAsync(engine, enough.Token);
                called.Add(await WarmLoadAsync(engine, rate, seconds));
                await enough.CancelAsync();
                Console.WriteLine($"beside the load a call deleted {await collecting / (double)(WarmSeconds + seconds):0} workflows/s");
            }

            await MakeBesideAsync(run, rate * seconds);
            var before = await EndedAsync(engine);
            await using var retaining = await LaunchAsync(run, Ended);
            beside.Add(await WarmLoadAsync(engine, rate, seconds));
            var left = await EndedAsync(engine);
            Console.WriteLine($"beside the load an engine deleted {(before - left) / (double)(WarmSeconds + seconds):0} workflows/s");
        }

        deleted.Print();
        Figures.PrintBeside(insert, deleted);
        alone.Print();
        called.Print();
        called.PrintRatio(alone);
        beside.Print();
        beside.PrintRatio(alone);
        return 0;
    }

    private static Task<WorkflowEngine> LaunchAsync(Arguments run, RetentionPolicy? retention) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.Add(Single);
        options.ListenTo = [];
        options.Retention = retention;
    });

    private static async Task<long> CollectAsync(WorkflowEngine engine, CancellationToken cancellationToken)
    {
        var before = await EndedAsync(engine);
        try
        {
            await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.FromSeconds(30) }, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The load has ended.
        }

        return before - await EndedAsync(engine);
    }

    private static async Task<long> EndedAsync(WorkflowEngine engine) =>
        (await engine.CountAsync(new() { CompletedAfter = DateTimeOffset.UnixEpoch })).Sum(row => row.Count);

    // As much as is deleted at full speed, so that there is something to delete all the time.
    private static Task MakeBesideAsync(Arguments run, int load) =>
        ManageRows.MakeAsync(run, 70 * load, $"{Guid.NewGuid():N}-", unended: false);

    // What came before is settled, and what begins now has begun, when the measured load starts.
    private static async Task<double> WarmLoadAsync(WorkflowEngine engine, int rate, int seconds)
    {
        await LoadAsync(engine, rate, WarmSeconds);
        return await LoadAsync(engine, rate, seconds);
    }

    // Started at their moments whether or not those before have ended, so that whatever holds them up is seen by all that it holds up.
    private static async Task<double> LoadAsync(WorkflowEngine engine, int rate, int seconds)
    {
        var running = new List<Task<double>>();
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; i < rate * seconds; i++)
        {
            var due = TimeSpan.FromSeconds((double)i / rate);
            while (Stopwatch.GetElapsedTime(begun) < due)
            {
                await Task.Delay(1);
            }

            running.Add(TimeAsync(engine, i));
        }

        var took = await Task.WhenAll(running);
        Array.Sort(took);
        return took[took.Length * 99 / 100];
    }

    private static async Task<double> TimeAsync(WorkflowEngine engine, int input)
    {
        var clock = Stopwatch.StartNew();
        await (await engine.StartAsync(Single, input)).GetResultAsync();
        return clock.Elapsed.TotalMilliseconds;
    }
}
