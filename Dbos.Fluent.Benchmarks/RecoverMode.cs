using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>From the end of the launch until everything that a killed process left behind is done.</summary>
internal static class RecoverMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var (n, steps) = (run.Number("n", 1000), run.Number("steps", 5));
        var all = new Figures($"{n} unfinished workflows of {steps} steps, from launch to all done", "ms");
        var launch = new Figures("  the launch itself", "ms");
        for (var round = 0; round < run.Number("rounds", 5); round++)
        {
            var prefix = await FillProcess.LeaveBehindAsync(run, n, steps);
            StepWorkflows.AtTheEnd = _ => Task.CompletedTask;
            var clock = Stopwatch.StartNew();
            await using var engine = await WorkflowEngine.LaunchAsync(options =>
            {
                run.Use(options);
                options.Add(StepWorkflows.Held);
            });
            launch.Add(clock.Elapsed.TotalMilliseconds);
            clock.Restart();
            await Task.WhenAll(Enumerable.Range(0, n).Select(i => engine.Retrieve<int>($"{prefix}{i}").GetResultAsync()))
                .WaitAsync(TimeSpan.FromMinutes(1));
            all.Add(clock.Elapsed.TotalMilliseconds);
        }

        all.Print();
        launch.Print();
        return 0;
    }
}
