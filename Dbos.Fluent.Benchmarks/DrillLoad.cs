using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Keeps a queue from running empty, and counts what has ended.</summary>
internal sealed class DrillLoad(WorkflowEngine feeder, WorkflowQueue queue, int backlogMin, int chunk)
{
    private const int Steps = 3;
    private static readonly TimeSpan FeedInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>How many were started in all.</summary>
    public long Started { get; private set; }

    /// <summary>Feeds for so long; gives how many ended a second.</summary>
    /// <param name="length">How long.</param>
    /// <param name="look">Called again and again with the time that has passed.</param>
    /// <param name="interval">How often it is called.</param>
    public async Task<double> RunAsync(TimeSpan length, Func<TimeSpan, Task> look, TimeSpan interval)
    {
        var before = Started - await LeftAsync();
        var clock = Stopwatch.StartNew();
        var looked = TimeSpan.Zero;
        while (clock.Elapsed < length)
        {
            if ((await feeder.Queues.GetAsync(queue.Name))!.Waiting < backlogMin)
            {
                await feeder.StartManyAsync(
                    StepWorkflows.Steps, Enumerable.Repeat((Steps, (StartOptions?)new StartOptions { Queue = queue }), chunk));
                Started += chunk;
            }

            if (clock.Elapsed - looked >= interval)
            {
                looked = clock.Elapsed;
                await look(looked);
            }

            await Task.Delay(FeedInterval);
        }

        var ended = Started - await LeftAsync() - before;
        return ended / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Waits until nothing is left, but no longer than the limit; gives what is left then.</summary>
    public async Task<long> DrainAsync(TimeSpan limit, TimeSpan interval)
    {
        var clock = Stopwatch.StartNew();
        while (await LeftAsync() is var left)
        {
            if (left == 0 || clock.Elapsed > limit)
            {
                return left;
            }

            await Task.Delay(interval);
        }

        return 0;
    }

    // What a dead engine ran counts as running until somebody has taken it up.
    private async Task<long> LeftAsync()
    {
        var status = (await feeder.Queues.GetAsync(queue.Name))!;
        return status.Waiting + status.Running;
    }
}
