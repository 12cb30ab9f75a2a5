using System.Diagnostics;
using Npgsql;

namespace Dbos.Fluent.Benchmarks;

/// <summary>
/// The plainest durable write there is, as a measure of the machine and the minute: one prepared 200-byte row a commit, on one connection.
/// </summary>
internal static class BareInserts
{
    /// <summary>What one takes when they follow each other, in milliseconds (p50); null where the database is not PostgreSQL.</summary>
    public static async Task<double?> OneAsync(Arguments run, int n = 500) =>
        run.Postgres is { } connectionString ? await InChainsAsync(connectionString, 1, n) : null;

    /// <summary>What so many after each other take, in milliseconds (p50 of so many chains).</summary>
    public static async Task<double> InChainsAsync(string connectionString, int inserts, int chains)
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
        var took = new List<double>();
        for (var i = 0; i < chains; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            id.TypedValue = Guid.NewGuid().ToString();
            for (var j = 0; j < inserts; j++)
            {
                step.TypedValue = j;
                await insert.ExecuteNonQueryAsync();
            }

            took.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        return took.Order().ElementAt(chains / 2);
    }
}
