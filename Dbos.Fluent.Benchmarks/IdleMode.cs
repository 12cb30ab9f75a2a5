using System.Diagnostics;
using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>What an engine with ten queues costs while nothing happens.</summary>
internal static class IdleMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var statements = new Figures("statements of an idle engine with ten queues", "/s");
        var processor = new Figures("processor of an idle engine with ten queues", "% of a core");
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add([.. Enumerable.Range(0, 10).Select(i => new WorkflowQueue($"idle-{i}") { Concurrency = 1 + (i % 2) })]);
        });

        // The compiler is done with what an idle engine runs all the time.
        await Task.Delay(60_000);
        for (var round = 0; round < run.Number("rounds", 3); round++)
        {
            using var self = Process.GetCurrentProcess();
            var asking = -await TransactionsAsync(run);
            asking += await TransactionsAsync(run);
            var (before, calls) = (self.TotalProcessorTime, await TransactionsAsync(run));
            var clock = Stopwatch.StartNew();
            await Task.Delay(10_000);
            self.Refresh();
            processor.Add((self.TotalProcessorTime - before) / clock.Elapsed * 100);
            statements.Add((await TransactionsAsync(run) - calls - asking) / clock.Elapsed.TotalSeconds);
        }

        statements.Print();
        processor.Print();
        return 0;
    }

    // Transactions: an idle engine has one statement in each. What it costs to ask is asked too, and taken off.
    private static async Task<long> TransactionsAsync(Arguments run)
    {
        if (run.Postgres is null)
        {
            return 0;
        }

        await using var connection = new NpgsqlConnection(run.Postgres + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select pg_stat_force_next_flush(); "
            + "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
            connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.NextResultAsync();
        await reader.ReadAsync();
        return reader.GetInt64(0);
    }
}
