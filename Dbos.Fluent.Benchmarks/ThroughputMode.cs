using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Many workflows in flight: what one process gets through.</summary>
internal static class ThroughputMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var (n, width, steps) = (run.Number("n", 20000), run.Number("width", 64), run.Number("steps", 3));
        var rate = new Figures($"workflows of {steps} steps, {width} in flight", "workflows/s");
        var cpu = new Figures("processor time of this process", "ms/workflow");
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add(StepWorkflows.Steps);
        });
        await Rounds.RunAsync(run, 3, RoundAsync, rate, cpu);
        rate.Print();
        cpu.Print();
        return 0;

        async Task RoundAsync()
        {
            var before = Process.GetCurrentProcess().TotalProcessorTime;
            rate.Add(n / await MeasureAsync(engine, steps, width, n));
            cpu.Add((Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / n);
        }
    }

    private static async Task<double> MeasureAsync(WorkflowEngine engine, int steps, int width, int n)
    {
        var clock = Stopwatch.StartNew();
        var left = n;
        await Task.WhenAll(Enumerable.Range(0, width).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await (await engine.StartAsync(StepWorkflows.Steps, steps));
            }
        }));
        return clock.Elapsed.TotalSeconds;
    }
}
