using System.Diagnostics;
using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Workflows one at a time: what a single caller waits, beside the same number of bare durable writes.</summary>
internal static class SequentialMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var (n, steps) = (run.Number("n", 150), run.Number("steps", 10));
        var ours = new Figures($"workflow of {steps} steps, one at a time", "ms");
        var floor = new Figures($"{steps + 2} single-row inserts", "ms");
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add(StepWorkflows.Steps);
        });
        await MeasureAsync(engine, steps, 30);
        for (var round = 0; round < run.Number("rounds", 5); round++)
        {
            if (run.Postgres is not null)
            {
                floor.Add(await InsertsAsync(run.Postgres, steps + 2, n));
            }

            ours.Add(await MeasureAsync(engine, steps, n));
        }

        ours.Print();
        if (run.Postgres is not null)
        {
            floor.Print();
            ours.PrintRatio(floor);
        }

        return 0;
    }

    private static async Task<double> MeasureAsync(WorkflowEngine engine, int steps, int n)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < n; i++)
        {
            await (await engine.StartAsync(StepWorkflows.Steps, steps));
        }

        return clock.Elapsed.TotalMilliseconds / n;
    }

    // The plainest durable write there is: one prepared 200-byte row a commit, on one connection.
    private static async Task<double> InsertsAsync(string connectionString, int inserts, int n)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using (var create = new NpgsqlCommand(
            "drop table if exists bench_floor; "
            + "create table bench_floor(id text, step int, out text, at bigint, primary key(id, step))",
            connection))
        {
            await create.ExecuteNonQueryAsync();
        }

        await using var insert = new NpgsqlCommand("insert into bench_floor values ($1, $2, $3, $4)", connection);
        var id = new NpgsqlParameter<string>();
        var step = new NpgsqlParameter<int>();
        var output = new NpgsqlParameter<string> { TypedValue = new string('x', 150) };
        insert.Parameters.AddRange(new NpgsqlParameter[] { id, step, output, new NpgsqlParameter<long> { TypedValue = 1 } });
        (id.TypedValue, step.TypedValue) = ("", 0);
        await insert.PrepareAsync();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < n; i++)
        {
            id.TypedValue = Guid.NewGuid().ToString();
            for (var j = 0; j < inserts; j++)
            {
                step.TypedValue = j;
                await insert.ExecuteNonQueryAsync();
            }
        }

        return clock.Elapsed.TotalMilliseconds / n;
    }
}
