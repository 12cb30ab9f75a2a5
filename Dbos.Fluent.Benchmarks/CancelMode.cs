using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>How soon a running step's token fires: cancelled by its own engine, and by another one on the same database.</summary>
internal static class CancelMode
{
    private static readonly WorkflowDefinition<int, int> Waiting =
        Workflow.Define<int, int>("waiting").Step("wait", x => WaitAsync(x.Input, x.CancellationToken)).Return(x => x.Input);

    private static TaskCompletionSource begun = new();
    private static TaskCompletionSource<double> fired = new();
    private static long cancelledAt;

    public static async Task<int> RunAsync(Arguments run)
    {
        var here = new Figures("cancel to the step's token, same engine (p50)", "ms");
        var elsewhere = new Figures("cancel to the step's token, another engine (p50)", "ms");
        await using var owner = await LaunchAsync(run, "owner");
        await using var other = await LaunchAsync(run, "other");
        await Rounds.RunAsync(run, 3, RoundAsync, here, elsewhere);
        here.Print();
        elsewhere.Print();
        return 0;

        async Task RoundAsync()
        {
            here.Add(await MeasureAsync(owner, owner, run.Number("n", 50)));
            elsewhere.Add(await MeasureAsync(owner, other, run.Number("n", 50)));
        }
    }

    private static Task<WorkflowEngine> LaunchAsync(Arguments run, string executorId) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.ExecutorId = executorId;
        options.Add(Waiting);
    });

    private static async Task<double> MeasureAsync(WorkflowEngine owner, WorkflowEngine canceller, int n)
    {
        var late = new List<double>();
        for (var i = 0; i < n; i++)
        {
            begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            fired = new TaskCompletionSource<double>(TaskCreationOptions.RunContinuationsAsynchronously);
            var handle = await owner.StartAsync(Waiting, i);
            await begun.Task;
            cancelledAt = Stopwatch.GetTimestamp();
            await canceller.CancelAsync(handle.Id);
            late.Add(await fired.Task);
        }

        return late.Order().ElementAt(n / 2);
    }

    private static async Task<int> WaitAsync(int input, CancellationToken cancellationToken)
    {
        await using var told = cancellationToken.Register(
            () => fired.TrySetResult(Stopwatch.GetElapsedTime(cancelledAt).TotalMilliseconds));
        begun.TrySetResult();
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return input;
    }
}
