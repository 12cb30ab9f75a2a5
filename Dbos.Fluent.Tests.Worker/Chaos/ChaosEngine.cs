using System.Globalization;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>One of the processes that run in the chaos: starts its share of the rounds in time, and does whatever else comes.</summary>
internal static class ChaosEngine
{
    public const string Application = "chaos";

    /// <summary>The point that is reported after each jump of the clock.</summary>
    public const string ClockJumped = "clock jumped";

    private const int RoundsAtOnce = 4;

    // So many of the seconds are for starting; the chaos goes on for the rest.
    private const double StartingFor = 0.8;

    /// <summary>Serves until it is killed.</summary>
    public static async Task ServeAsync(WorkerContext worker)
    {
        using var ledger = new ChaosLedger(worker.Text("ledger"));
        var workflows = new ChaosWorkflows(ledger);
        await using var clock = new JumpingClock(
            worker.Number("seed"), by => worker.Points.ReachAsync(ClockJumped, $"{by.TotalMilliseconds:0} ms"));
        if (worker.Number("jumps") != 0)
        {
            clock.Start();
        }

        await using var engine = await LaunchAsync(worker, workflows, clock);
        await worker.Points.ReachAsync("launched", engine.ExecutorId);
        await StartShareAsync(worker, engine, workflows);
        await worker.Points.ReachAsync("started");
        await worker.Points.ReachAsync("end");
    }

    private static Task<WorkflowEngine> LaunchAsync(WorkerContext worker, ChaosWorkflows workflows, JumpingClock clock) =>
        WorkflowEngine.LaunchAsync(options =>
        {
            options.UsePostgres(worker.Text("postgres"));
            options.ApplicationName = Application;
            options.ApplicationVersion = WorkerEngine.ApplicationVersion;
            options.LoggerFactory = new PointLogger(worker.Points);
            options.Lease = TimeSpan.FromMilliseconds(worker.Number("lease"));
            options.UnloadAfter = TimeSpan.FromSeconds(1);
            if (worker.Number("jumps") != 0)
            {
                options.TimeProvider = clock;
            }

            options.Add(workflows.All).Add(ChaosWorkflows.Queue);
        });

    // A process that replaces another starts the same rounds again: what is there already stays as it is.
    private static async Task StartShareAsync(WorkerContext worker, WorkflowEngine engine, ChaosWorkflows workflows)
    {
        var (rounds, share, shares) = (worker.Number("rounds"), worker.Number("share"), worker.Number("shares"));
        var began = long.Parse(worker.Text("began"), CultureInfo.InvariantCulture);
        var pace = worker.Number("seconds") * 1e6 * StartingFor / rounds;
        foreach (var numbers in Enumerable.Range(0, rounds).Where(number => number % shares == share).Chunk(RoundsAtOnce))
        {
            var ahead = TimeSpan.FromMicroseconds(began + (pace * numbers[0]) - ChaosLedger.NowMicros());
            if (ahead > TimeSpan.Zero)
            {
                await Task.Delay(ahead, TimeProvider.System);
            }

            foreach (var kind in workflows.Kinds)
            {
                await engine.StartManyAsync(kind.Definition, numbers.Select(number => (number, (StartOptions?)new StartOptions
                {
                    Id = ChaosWorkflows.IdOf(kind.Definition.Name, number),
                    Queue = kind.Queue,
                })));
            }
        }
    }
}
