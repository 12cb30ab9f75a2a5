using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>
/// From the start of a process to a launched engine, beside a bare program that only opens Npgsql, queries, listens and serialises once.
/// </summary>
internal static class LaunchMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var ours = new Figures("process start to launched, migrated database", "ms");
        var bare = new Figures("bare program", "ms");
        await using (await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add(StepWorkflows.Steps);
        }))
        {
            // The database is migrated now.
        }

        for (var round = 0; round < run.Number("rounds", 7); round++)
        {
            ours.Add(await TimeAsync("launch-once", run));
            if (run.Postgres is not null)
            {
                bare.Add(await TimeAsync("bare-once", run));
            }
        }

        ours.Print();
        if (run.Postgres is not null)
        {
            bare.Print();
            ours.PrintRatio(bare);
        }

        return 0;
    }

    public static async Task<int> OnceAsync(Arguments run)
    {
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add(StepWorkflows.Steps);
        });
        Report();
        return 0;
    }

    public static async Task<int> BareAsync(Arguments run)
    {
        await using var source = new NpgsqlSlimDataSourceBuilder(run.Postgres!).EnableArrays().Build();
        await using var connection = await source.OpenConnectionAsync();
        await using (var query = new NpgsqlCommand("select unnest($1::text[])", connection)
        {
            Parameters = { new() { Value = new[] { "a", "b" } } },
        })
        await using (var reader = await query.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                _ = reader.GetString(0);
            }
        }

        await using (var listen = new NpgsqlCommand("listen bench", connection))
        {
            await listen.ExecuteNonQueryAsync();
        }

        _ = JsonSerializer.Serialize(new[] { 1, 2, 3 });
        Report();
        return 0;
    }

    private static void Report()
    {
        using var self = Process.GetCurrentProcess();
        Console.WriteLine((DateTime.Now - self.StartTime).TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture));
    }

    private static async Task<double> TimeAsync(string mode, Arguments run)
    {
        using var process = FillProcess.Start([mode, .. run.Database]);
        var line = await process.StandardOutput.ReadLineAsync();
        await process.WaitForExitAsync();
        return double.Parse(line!, CultureInfo.InvariantCulture);
    }
}
