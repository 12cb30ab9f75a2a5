using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>From the end of the launch to the next step of a workflow with a long history.</summary>
internal static class ReplayMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var steps = run.Number("steps", 5000);
        var figures = new Figures($"{steps} recorded steps, from launch to the next step", "ms");
        for (var round = 0; round < run.Number("rounds", 5); round++)
        {
            await FillProcess.LeaveBehindAsync(run, 1, steps);
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            StepWorkflows.AtTheEnd = _ =>
            {
                reached.TrySetResult();
                return Task.CompletedTask;
            };
            await using var engine = await WorkflowEngine.LaunchAsync(options =>
            {
                run.Use(options);
                options.Add(StepWorkflows.Held);
            });
            var clock = Stopwatch.StartNew();
            await reached.Task.WaitAsync(TimeSpan.FromMinutes(1));
            figures.Add(clock.Elapsed.TotalMilliseconds);
        }

        figures.Print();
        return 0;
    }
}
