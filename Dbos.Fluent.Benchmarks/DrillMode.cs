using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>
/// A failover drill: three engines under load, one of them killed again and again and replaced a little later; what they get through beside
/// what they get through undisturbed, and whether anything was lost.
/// </summary>
internal static class DrillMode
{
    private const int Engines = 3;
    private const int BacklogMin = 1000;
    private const int Chunk = 1000;
    private static readonly WorkflowQueue Line = new("drill");
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    public static async Task<int> RunAsync(Arguments run)
    {
        var (seconds, every, gap) = (run.Number("seconds", 180), run.Number("every", 20), run.Number("replace", 5));
        await using var feeder = await LaunchAsync(run, serves: false);
        var already = await CountSucceededAsync(run);
        var engines = Enumerable.Range(0, Engines).Select(_ => StartEngine(run)).ToList();
        try
        {
            var load = new DrillLoad(feeder, Line, BacklogMin, Chunk);
            await load.RunAsync(TimeSpan.FromSeconds(run.Number("warm", 10)), _ => Task.CompletedTask, LookInterval);
            var undisturbed = await load.RunAsync(TimeSpan.FromSeconds(run.Number("quiet", 60)), _ => Task.CompletedTask, LookInterval);
            var kills = new DrillKills(engines, () => StartEngine(run), TimeSpan.FromSeconds(every), TimeSpan.FromSeconds(gap));
            var disturbed = await load.RunAsync(TimeSpan.FromSeconds(seconds), kills.LookAsync, LookInterval);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"undisturbed            {undisturbed:0} workflows/s"));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"one of {Engines} killed each {every} s {disturbed:0} workflows/s ({kills.Count} kills, replaced after {gap} s)"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  ratio {disturbed / undisturbed:0.00}"));
            var left = await load.DrainAsync(TimeSpan.FromMinutes(2), LookInterval);
            var succeeded = await CountSucceededAsync(run) - already;
            var lost = left > 0 || succeeded != load.Started;
            Console.WriteLine($"{(lost ? "LOST: " : "")}{succeeded} of {load.Started} workflows succeeded, {left} did not end");
            return lost ? 1 : 0;
        }
        finally
        {
            foreach (var engine in engines)
            {
                engine.Kill();
                engine.Dispose();
            }
        }
    }

    /// <summary>An engine that serves until it is killed.</summary>
    public static async Task<int> ServeAsync(Arguments run)
    {
        await using var engine = await LaunchAsync(run, serves: true);
        await Task.Delay(Timeout.InfiniteTimeSpan);
        return 0;
    }

    // Asked of the database: what an engine says of itself is no proof.
    private static async Task<long> CountSucceededAsync(Arguments run)
    {
        await using var connection = new NpgsqlConnection(run.Postgres ?? throw new ArgumentException("This mode needs --postgres."));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"select count(*) from dbos.workflow_status where queue_name = '{Line.Name}' and status = 'SUCCESS'", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static Process StartEngine(Arguments run) => FillProcess.Start(
        ["drill-serve", .. run.Database, string.Create(CultureInfo.InvariantCulture, $"lease={run.Number("lease", 15)}")]);

    private static Task<WorkflowEngine> LaunchAsync(Arguments run, bool serves) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.Lease = TimeSpan.FromSeconds(run.Number("lease", 15));
        options.Add(StepWorkflows.Steps);
        options.Add(Line);
        options.ListenTo = serves ? null : [];
    });
}
