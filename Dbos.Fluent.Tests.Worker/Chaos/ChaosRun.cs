using System.Globalization;
using Dbos.Fluent.Tests.Worker.Servers;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>
/// Processes with an engine each run thousands of workflows on one PostgreSQL server while all of them are struck by faults; what is left
/// is judged by the database and the ledger of effects alone.
/// </summary>
/// <remarks>
/// Processes are killed and replaced, frozen for shorter and for longer than their lease, cut off from the database in several ways, and
/// their clocks jump; the server, which is durable and the run's own, is restarted without a shutdown.
/// </remarks>
internal sealed class ChaosRun : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(300);

    private readonly ChaosOptions options;
    private readonly PostgresServer server;
    private readonly Action<string> log;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("dbos-fluent-chaos-");
    private readonly List<ChaosSlot> slots = [];
    private readonly ChaosQueueWatch watch;

    private ChaosRun(ChaosOptions options, PostgresServer server, Action<string> log) =>
        (this.options, this.server, this.log, watch) = (options, server, log, new ChaosQueueWatch(server.ConnectionString));

    /// <summary>Runs it from the start to the verdict, and leaves nothing behind.</summary>
    /// <param name="options">How it is to be.</param>
    /// <param name="log">Takes what happens, line by line.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<ChaosVerdict> RunAsync(ChaosOptions options, Action<string> log, CancellationToken cancellationToken)
    {
        await using var server = await PostgresServer.StartAsync(durable: true, cancellationToken);
        await using var run = new ChaosRun(options, server, log);
        await run.PrepareAsync(cancellationToken);
        run.StartProcesses();
        IReadOnlyList<ChaosFaultKind> missing;
        await using (var faults = new ChaosFaults(options, server, run.slots, run.watch, log))
        {
            await faults.StrikeAsync(cancellationToken);
            missing = faults.Missing;
        }

        await run.SettleAsync(cancellationToken);
        return await run.JudgeAsync(missing, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var slot in slots)
        {
            await slot.DisposeAsync();
        }

        folder.Delete(recursive: true);
    }

    // The moment at which a checkpoint is written, on the clock that the ledger has too: the engines' own clocks jump.
    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var engine = await WorkflowEngine.LaunchAsync(
            launch =>
            {
                launch.UsePostgres(server.ConnectionString);
                launch.ApplicationName = ChaosEngine.Application;
                launch.ApplicationVersion = "preparing";
            },
            cancellationToken);
        await engine.StopAsync(TimeSpan.Zero, cancellationToken);
        await PostgresServer.ExecuteAsync(
            server.ConnectionString,
            "ALTER TABLE dbos.operation_outputs ADD COLUMN noted_at timestamptz NOT NULL DEFAULT clock_timestamp()",
            cancellationToken);
    }

    private void StartProcesses()
    {
        var began = ChaosLedger.NowMicros();
        for (var share = 0; share < ChaosOptions.Processes; share++)
        {
            var (proxy, connectionString) = TcpProxy.Before(server.ConnectionString);
            var slot = new ChaosSlot(proxy, new Dictionary<string, string>
            {
                ["postgres"] = connectionString + ";Timeout=5",
                ["ledger"] = folder.FullName,
                ["rounds"] = Text(options.Rounds),
                ["share"] = Text(share),
                ["shares"] = Text(ChaosOptions.Processes),
                ["began"] = began.ToString(CultureInfo.InvariantCulture),
                ["seconds"] = Text((int)options.Duration.TotalSeconds),
                ["lease"] = Text((int)ChaosOptions.Lease.TotalMilliseconds),

                // The clocks of two of them jump.
                ["jumps"] = Text(share % 2),
                ["seed"] = Text(options.Seed + share),
            });
            slots.Add(slot);
            slot.Start();
        }
    }

    // No more faults: whoever died on the way is replaced, and all must end.
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(LookInterval);
        var ended = await ChaosRows.CountEndedAsync(server.ConnectionString, cancellationToken);
        log($"{ended} of {options.Total} workflows ended while there were faults");
        while (TimeProvider.System.GetElapsedTime(began) is var elapsed && elapsed < options.SettlingLimit)
        {
            foreach (var slot in slots.Where(slot => slot.Process.HasEnded))
            {
                log("a process ended by itself:\n" + slot.Process.Output);
                await slot.ReplaceAsync();
            }

            await watch.LookAsync(cancellationToken);
            ended = await ChaosRows.CountEndedAsync(server.ConnectionString, cancellationToken);
            if (ended >= options.Total && slots.TrueForAll(slot => slot.Process.HasStartedAll))
            {
                log($"all {ended} workflows ended {elapsed.TotalSeconds:0.0} s after the last fault");
                return;
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }

        log($"only {ended} of {options.Total} workflows ended within {options.SettlingLimit} of the last fault");
        slots.ForEach(slot => log(slot.Process.Output));
    }

    private async Task<ChaosVerdict> JudgeAsync(IReadOnlyList<ChaosFaultKind> missing, CancellationToken cancellationToken)
    {
        foreach (var slot in slots)
        {
            await slot.Process.KillAsync();
        }

        log($"running of the limited queue: {watch.Summary} looks");
        var rows = await ChaosRows.ReadAsync(server.ConnectionString, cancellationToken);
        return ChaosVerdict.Of(options, rows, ChaosLedger.Read(folder.FullName), missing, watch.Most);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
