using System.Globalization;
using System.Text.RegularExpressions;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;
using static Dbos.Fluent.Tests.Stores.Postgres.Prepared;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>What it costs to send many messages at once: so much for each, however many there are.</summary>
public sealed partial class PostgresSendPlanTests(PostgresStores stores) : IClassFixture<PostgresStores>
{
    private const int Messages = 2_000;

    // What the rows and the entries of their indexes cost, with one lookup for each destination.
    private const int PagesMax = 25 * Messages;

    private const string Types =
        "bigint, text, text, int[], text[], text[], text[], text[], text[], bigint[], bigint[], text[], text[], text[], text[], text[]";

    private static readonly SchemaName Schema = new(PostgresStores.Schema);
    private static readonly UnitSql Units = CommitSql.Skipping(Schema).Units;

    [Theory]
    [InlineData(1)]
    [InlineData(Messages)]
    public async Task Cost_follows_the_number_of_messages(int destinations)
    {
        await using var bed = (PostgresBed)await stores.CreateEmptyAsync();
        await bed.Store.Schema.MigrateAsync(TestContext.Current.CancellationToken);
        await using var connection = new NpgsqlConnection(bed.ConnectionString + ";Pooling=false;Search Path=" + PostgresStores.Schema);
        await connection.OpenAsync(TestContext.Current.CancellationToken);

        // The plans are made here, while the tables are empty.
        await RunAsync(connection, PostgresLanes.PlanByKey);
        await RunAsync(connection, $"PREPARE sending ({Types}) AS {Units.Send}");
        await RunAsync(connection, $"PREPARE unowned ({Types}) AS {Units.SendUnowned}");
        await RunAsync(
            connection,
            $"""
            INSERT INTO workflow_status (workflow_uuid, status, owner_xid)
            SELECT 'w' || g, 'PENDING', 't' FROM generate_series(0, {Messages}) AS g
            """);

        Breaches.None(await BreachesAsync(connection, "sending", destinations, "a"));
        Breaches.None(await BreachesAsync(connection, "unowned", destinations, "b"));
        Assert.Equal(2 * Messages, await bed.CountAsync("notifications"));
    }

    private static async Task<List<string>> BreachesAsync(NpgsqlConnection connection, string prepared, int destinations, string prefix)
    {
        const string None = "array[]::text[]";
        var numbers = Enumerable.Range(0, Messages).ToArray();
        var step = prepared == "sending" ? "array[0], array['s']" : "array[]::int[], array[]::text[]";
        var columns = prepared == "sending"
            ? $"{step}, array[NULL], array[NULL], array[NULL], array[NULL], array[1], array[1]"
            : $"{step}, {None}, {None}, {None}, {None}, array[]::bigint[], array[]::bigint[]";
        string[] arrays =
        [
            Array(numbers.Select(number => $"{prefix}{number}")),
            Array(numbers.Select(number => $"w{number % destinations}")),
            Array(numbers.Select(_ => "topic")),
            Array(numbers.Select(_ => "1")),
            Array(numbers.Select(_ => "portable_json")),
        ];
        var values = $"NULL, 'w{Messages}', 't', {columns}, {string.Join(", ", arrays)}";
        var plan = await ExplainAsync(connection, "ANALYZE, BUFFERS, TIMING OFF, COSTS OFF", $"{prepared} ({values})");
        return [.. plan.Where(line =>
            Whole().IsMatch(line) || Arrays().IsMatch(line) || Removed(line) > 2 * Messages || PagesOf(line) > PagesMax)];
    }

    private static string Array(IEnumerable<string> texts) => $"'{{{string.Join(',', texts)}}}'";

    private static long PagesOf(string line) => Pages().Match(line) is { Success: true } pages ? Number(pages) : 0;

    private static long Removed(string line) => RowsRemoved().Match(line) is { Success: true } removed ? Number(removed) : 0;

    private static long Number(Match match) => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("Seq Scan on (workflow_status|notifications|operation_outputs|fluent_)")]
    private static partial Regex Whole();

    [GeneratedRegex(@"Filter: .*(ALL|ANY) \(")]
    private static partial Regex Arrays();

    [GeneratedRegex(@"Buffers: shared hit=(\d+)")]
    private static partial Regex Pages();

    [GeneratedRegex(@"Rows Removed by .*: (\d+)")]
    private static partial Regex RowsRemoved();
}
