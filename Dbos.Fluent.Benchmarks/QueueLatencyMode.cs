using System.Collections.Concurrent;
using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>How soon a workflow that enters an idle queue begins, here and in another process, and how soon its result is there.</summary>
internal static class QueueLatencyMode
{
    private const string Line = "latency";

    private static readonly ConcurrentDictionary<string, double> Begun = new();

    private static readonly WorkflowDefinition<(string Id, long Stamp), double> Timed =
        Workflow.Define<(string Id, long Stamp), double>("timed", RunAsync);

    public static async Task<int> RunAsync(Arguments run)
    {
        var n = run.Number("n", 200);
        var start = new Figures("enqueue to the first line, in one process (p50)", "ms");
        var result = new Figures("enqueue to the awaited result, in one process (p50)", "ms");
        var across = new Figures("enqueue to the first line, in another process (p50)", "ms");
        var insert = Figures.Insert();
        await Rounds.RunAsync(run, 3, RoundAsync, insert, start, result, across);
        start.Print();
        result.Print();
        across.Print();
        Figures.PrintBeside(insert, start, result, across);
        return 0;

        async Task RoundAsync()
        {
            insert.Add(await BareInserts.OneAsync(run));
            await using (var engine = await LaunchAsync(run, serves: true))
            {
                await MeasureAsync(engine, 30);
                var (begun, ended) = await MeasureAsync(engine, n);
                start.Add(begun);
                result.Add(ended);
            }

            using var process = FillProcess.Start(["queue-serve", .. run.Database]);
            await process.StandardOutput.ReadLineAsync();
            await using (var engine = await LaunchAsync(run, serves: false))
            {
                // The other process is a new one each time, and the first that it does finds it cold.
                await MeasureAsync(engine, n);
                across.Add((await MeasureAsync(engine, n)).Begun);
            }

            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>The process that serves the queue until it is killed.</summary>
    public static async Task<int> ServeAsync(Arguments run)
    {
        await using var engine = await LaunchAsync(run, serves: true);
        Console.WriteLine("ready");
        await Task.Delay(Timeout.InfiniteTimeSpan);
        return 0;
    }

    private static async Task<(double Begun, double Ended)> MeasureAsync(WorkflowEngine engine, int n)
    {
        var begun = new List<double>();
        var ended = new List<double>();
        for (var i = 0; i < n; i++)
        {
            var id = Guid.NewGuid().ToString();
            var clock = Stopwatch.GetTimestamp();
            var handle = await engine.StartAsync(Timed, (id, clock), new() { Id = id, Queue = Line });
            begun.Add(await handle);
            ended.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            await Task.Delay(5);
        }

        return (begun.Order().ElementAt(n / 2), ended.Order().ElementAt(n / 2));
    }

    private static Task<WorkflowEngine> LaunchAsync(Arguments run, bool serves) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.Add(Timed);
        options.Add(new WorkflowQueue(Line));
        options.ListenTo = serves ? null : [];
    });

    // The clock is the machine's, so it may be read in another process.
    private static async IAsyncEnumerable<StepOr<double>> RunAsync((string Id, long Stamp) input, WorkflowContext workflow)
    {
        yield return Begun.GetOrAdd(input.Id, _ => Stopwatch.GetElapsedTime(input.Stamp).TotalMilliseconds);
    }
}
