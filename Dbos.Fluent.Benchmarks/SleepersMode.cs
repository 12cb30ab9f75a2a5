using System.Diagnostics;
using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Many workflows that sleep: what they cost while nothing is due, and how quickly they finish when they are.</summary>
internal static class SleepersMode
{
    private static int awake;

    private static readonly WorkflowDefinition<long, int> Sleeper = Workflow.Define<long, int>("sleeper", RunAsync);

    private static long dueStamp;
    private static double wokeLateMs;

    public static async Task<int> RunAsync(Arguments run)
    {
        var n = run.Number("n", 100_000);
        await using var engine = await LaunchAsync(run);
        var wakeAt = DateTimeOffset.UtcNow.AddSeconds(run.Number("seconds", 90));
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, n),
            new ParallelOptions { MaxDegreeOfParallelism = 256 },
            async (_, token) => await engine.StartAsync(Sleeper, wakeAt.ToUnixTimeMilliseconds(), cancellationToken: token));
        Console.WriteLine($"{n} started in {clock.Elapsed.TotalSeconds:0.0} s ({n / clock.Elapsed.TotalSeconds:0}/s)");
        await Task.Delay(3000);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var self = Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;
        clock.Restart();
        var idle = TimeSpan.FromSeconds(Math.Min(10, Math.Max(1, (wakeAt - DateTimeOffset.UtcNow).TotalSeconds - 2)));
        await Task.Delay(idle);
        self.Refresh();
        Console.WriteLine(
            $"resident {self.WorkingSet64 / 1048576.0:0.0} MiB, of which managed {GC.GetTotalMemory(false) / 1048576.0:0.0} MiB");
        Console.WriteLine($"processor while nothing is due: {(self.TotalProcessorTime - before) / clock.Elapsed * 100:0.00} % of a core");
        while (DateTimeOffset.UtcNow < wakeAt)
        {
            await Task.Delay(5);
        }

        clock.Restart();
        while (Volatile.Read(ref awake) < n && clock.Elapsed < TimeSpan.FromMinutes(5))
        {
            await Task.Delay(5);
        }

        Console.WriteLine(
            $"{awake} finished {clock.Elapsed.TotalSeconds:0.0} s after they were due ({awake / clock.Elapsed.TotalSeconds:0}/s)");
        return 0;
    }

    /// <summary>An engine launched on very many sleeping rows, one of which is soon due.</summary>
    public static async Task<int> RowsAsync(Arguments run)
    {
        var n = run.Number("n", 1_000_000);
        await CopyRowsAsync(run, n);
        var launch = new Figures($"launch with {n} sleeping rows", "ms");
        var late = new Figures("the first due one goes on after its time", "ms");
        for (var round = 0; round < run.Number("rounds", 3); round++)
        {
            var clock = Stopwatch.StartNew();
            await using var engine = await LaunchAsync(run);
            launch.Add(clock.Elapsed.TotalMilliseconds);
            awake = 0;
            var due = DateTimeOffset.UtcNow.AddSeconds(12);
            dueStamp = Stopwatch.GetTimestamp() + (long)((due - DateTimeOffset.UtcNow).TotalSeconds * Stopwatch.Frequency);
            await (await engine.StartAsync(Sleeper, due.ToUnixTimeMilliseconds()));
            late.Add(wokeLateMs);
        }

        launch.Print();
        late.Print();
        return 0;
    }

    private static Task<WorkflowEngine> LaunchAsync(Arguments run) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.Add(Sleeper);
    });

    // One sleeper is parked by the engine, and its rows are copied under other ids.
    private static async Task CopyRowsAsync(Arguments run, int n)
    {
        var model = $"model-{Guid.NewGuid():N}";
        await using (var engine = await LaunchAsync(run))
        {
            await engine.StartAsync(Sleeper, DateTimeOffset.UtcNow.AddDays(30).ToUnixTimeMilliseconds(), new() { Id = model });
            while ((await engine.GetStatusAsync(model))?.Parked != true)
            {
                await Task.Delay(20);
            }
        }

        await using var connection = new NpgsqlConnection(
            run.Postgres ?? throw new ArgumentException("The rows are copied in PostgreSQL: name one with --postgres."));
        await connection.OpenAsync();
        foreach (var table in (string[])["workflow_status", "workflow_input", "operation_outputs", "fluent_waits"])
        {
            var columns = await ColumnsAsync(connection, table);
            await using var copy = new NpgsqlCommand(
                $"insert into dbos.{table} (workflow_uuid, {columns}) select m.workflow_uuid || '-' || g, {columns} "
                + $"from dbos.{table} m, generate_series(1, {n}) g where m.workflow_uuid = '{model}'",
                connection)
            { CommandTimeout = 0 };
            await copy.ExecuteNonQueryAsync();
        }

        await using var analyze = new NpgsqlCommand("vacuum analyze", connection) { CommandTimeout = 0 };
        await analyze.ExecuteNonQueryAsync();
    }

    private static async Task<string> ColumnsAsync(NpgsqlConnection connection, string table)
    {
        await using var command = new NpgsqlCommand(
            "select string_agg(quote_ident(column_name), ', ') from information_schema.columns "
            + $"where table_schema = 'dbos' and table_name = '{table}' and column_name <> 'workflow_uuid'",
            connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    private static async IAsyncEnumerable<StepOr<int>> RunAsync(long wakeAtMs, WorkflowContext workflow)
    {
        yield return Step.SleepUntil(DateTimeOffset.FromUnixTimeMilliseconds(wakeAtMs));
        wokeLateMs = Stopwatch.GetElapsedTime(dueStamp).TotalMilliseconds;
        Interlocked.Increment(ref awake);
        yield return 1;
    }
}
