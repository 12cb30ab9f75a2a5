using System.Diagnostics;
using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>
/// What a killed process left is taken up by another engine that lives and has work of its own: how soon, and what becomes of that work's
/// rate meanwhile. The dead one counts as on another host, so that its lease is waited for.
/// </summary>
internal static class TakeoverMode
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    private static long reached;
    private static long ownDone;

    public static async Task<int> RunAsync(Arguments run)
    {
        var (n, steps, lease) = (run.Number("n", 1000), run.Number("steps", 5), run.Number("lease", 5));
        var first = new Figures($"owner of {n} killed (lease {lease} s), to the first taken up", "ms");
        var taken = new Figures("  to all taken up", "ms");
        var done = new Figures("  to all done", "ms");
        var before = new Figures("the survivor's own rate, before", "workflows/s");
        var meanwhile = new Figures("the survivor's own rate, from the first taken up to all done", "workflows/s");
        var slowest = new Figures("  in the slowest tenth of that time", "workflows/s");
        StepWorkflows.AtTheEnd = _ =>
        {
            Interlocked.Increment(ref reached);
            return Task.CompletedTask;
        };
        for (var round = 0; round < run.Number("rounds", 3); round++)
        {
            await using var survivor = await LaunchAsync(run, lease);
            using var stop = new CancellationTokenSource();
            var load = Task.WhenAll(Enumerable.Range(0, run.Number("width", 16)).Select(_ => LoadAsync(survivor, stop.Token)));
            var (process, prefix) = await FillProcess.FillAsync(run, n, steps, lease);
            await Task.Delay(1000);
            before.Add(await RateAsync(() => Task.Delay(4000)));

            // Counted only now: nothing of it ran here before.
            Interlocked.Exchange(ref reached, 0);
            if (run.Postgres is { } postgres)
            {
                await ExecuteAsync(
                    postgres, $"update dbos.fluent_executors set machine_id = 'elsewhere' where executor_id <> '{survivor.ExecutorId}'");
            }

            process.Kill();
            var clock = Stopwatch.StartNew();
            await process.WaitForExitAsync();
            process.Dispose();
            await UntilAsync(() => Task.FromResult(Interlocked.Read(ref reached) > 0));
            first.Add(clock.Elapsed.TotalMilliseconds);
            var looks = new List<(TimeSpan At, long OwnDone)>();
            meanwhile.Add(await RateAsync(async () =>
            {
                await UntilAsync(() => Task.FromResult(Interlocked.Read(ref reached) >= n), () => looks.Add(Look(clock)));
                taken.Add(clock.Elapsed.TotalMilliseconds);
                await UntilAsync(async () => await DoneAsync(survivor, prefix) == n, () => looks.Add(Look(clock)));
            }));
            slowest.Add(SlowestTenth(looks));
            done.Add(clock.Elapsed.TotalMilliseconds);
            await stop.CancelAsync();
            await load;
        }

        foreach (var figures in (Figures[])[first, taken, done, before, meanwhile, slowest])
        {
            figures.Print();
        }

        meanwhile.PrintRatio(before);
        slowest.PrintRatio(before);
        return 0;
    }

    private static Task<WorkflowEngine> LaunchAsync(Arguments run, int lease) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.Lease = TimeSpan.FromSeconds(lease);
        options.Add(StepWorkflows.Held, StepWorkflows.Steps);
    });

    private static async Task LoadAsync(WorkflowEngine engine, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await (await engine.StartAsync(StepWorkflows.Steps, 3, cancellationToken: CancellationToken.None));
            Interlocked.Increment(ref ownDone);
        }
    }

    private static async Task<double> RateAsync(Func<Task> wait)
    {
        var (begun, clock) = (Interlocked.Read(ref ownDone), Stopwatch.StartNew());
        await wait();
        return (Interlocked.Read(ref ownDone) - begun) / clock.Elapsed.TotalSeconds;
    }

    private static (TimeSpan At, long OwnDone) Look(Stopwatch clock) => (clock.Elapsed, Interlocked.Read(ref ownDone));

    private static double SlowestTenth(List<(TimeSpan At, long OwnDone)> looks) => Enumerable.Range(0, 10).Min(tenth =>
    {
        var (from, to) = (looks[tenth * (looks.Count - 1) / 10], looks[(tenth + 1) * (looks.Count - 1) / 10]);
        return from.At == to.At ? double.MaxValue : (to.OwnDone - from.OwnDone) / (to.At - from.At).TotalSeconds;
    });

    private static async Task UntilAsync(Func<Task<bool>> condition, Action? look = null)
    {
        for (var clock = Stopwatch.StartNew(); !await condition(); await Task.Delay(LookInterval))
        {
            look?.Invoke();
            if (clock.Elapsed > TimeSpan.FromMinutes(3))
            {
                throw new TimeoutException("What the killed process left was not done in time.");
            }
        }
    }

    private static async Task<long> DoneAsync(WorkflowEngine engine, string prefix) =>
        (await engine.CountAsync(new() { IdPrefix = prefix, States = [WorkflowState.Success] })).Sum(row => row.Count);

    private static async Task<long> ExecuteAsync(string postgres, string sql)
    {
        await using var connection = new NpgsqlConnection(postgres);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is long count ? count : 0;
    }
}
