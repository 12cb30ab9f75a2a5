using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Prepares statements as the library's connections do, and tells how the server executes them.</summary>
internal static class Prepared
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>The plan of a prepared statement, line by line.</summary>
    /// <param name="connection">Where it was prepared.</param>
    /// <param name="options">What <c>EXPLAIN</c> is to tell.</param>
    /// <param name="executed">Its name with the values.</param>
    public static async Task<List<string>> ExplainAsync(NpgsqlConnection connection, string options, string executed)
    {
        var plan = new List<string>();
        await using var explain = new NpgsqlCommand($"EXPLAIN ({options}) EXECUTE {executed}", connection);
        await using var reader = await explain.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            plan.Add(reader.GetString(0));
        }

        return plan;
    }
}
