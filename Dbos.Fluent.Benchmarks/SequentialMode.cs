using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Workflows one at a time: what a single caller waits, beside the same number of bare durable writes.</summary>
internal static class SequentialMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var (n, steps) = (run.Number("n", 150), run.Number("steps", 10));
        var ours = new Figures($"workflow of {steps} steps, one at a time", "ms");
        var floor = new Figures($"{steps + 2} single-row inserts", "ms");
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add(StepWorkflows.Steps);
        });
        await Rounds.RunAsync(run, 5, RoundAsync, ours, floor);
        ours.Print();
        if (run.Postgres is not null)
        {
            floor.Print();
            ours.PrintRatio(floor);
        }

        return 0;

        async Task RoundAsync()
        {
            if (run.Postgres is not null)
            {
                floor.Add(await BareInserts.InChainsAsync(run.Postgres, steps + 2, n));
            }

            ours.Add(await MeasureAsync(engine, steps, n));
        }
    }

    private static async Task<double> MeasureAsync(WorkflowEngine engine, int steps, int n)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < n; i++)
        {
            await (await engine.StartAsync(StepWorkflows.Steps, steps));
        }

        return clock.Elapsed.TotalMilliseconds / n;
    }
}
