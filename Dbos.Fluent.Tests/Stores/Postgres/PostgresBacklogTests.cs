using System.Globalization;
using System.Text.RegularExpressions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;
using static Dbos.Fluent.Tests.Stores.Postgres.Prepared;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>What queues cost on a long table: rows that a statement looks at follow the limits, never the backlog.</summary>
public sealed partial class PostgresBacklogTests(PostgresStores stores) : IClassFixture<PostgresStores>
{
    private const int RowsLookedAtMax = 1_500;

    private const string Taking = "bigint, text, text, text, text, text[], int, int, bigint";
    private const string Taken = "NULL, 'token', 'e', 'shop', 'v1', array['checkout'], 20, 5, 1";

    private static readonly SchemaName Schema = new(PostgresStores.Schema);
    private static readonly LimitedClaimSql Limited = new(Schema);

    // Three lines of one kind each, what other executions of the same are in the middle of, and sleepers. One row with a partition stands
    // at the end of each line that has none.
    private const string Backlog = """
        SET synchronous_commit = off;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, priority, created_at,
            updated_at, serialization, recovery_attempts, started_at_epoch_ms, rate_limited, schedule_name, delay_until_epoch_ms)
        SELECT 'w' || g, CASE WHEN g <= 2000 THEN 'SUCCESS' WHEN g <= 2010 THEN 'PENDING' WHEN g > 25000 THEN 'DELAYED' ELSE 'ENQUEUED' END,
               'checkout', 'shop', 'v1', (array['free', 'whole', 'parted'])[g % 3 + 1], CASE WHEN g % 3 = 2 THEN 'p' || g % 300 END, 0,
               1000 + g / 50, 1000, 'dotnet_msgpack', CASE WHEN g <= 2010 OR g > 25000 THEN 1 ELSE 0 END,
               CASE WHEN g <= 2010 THEN 1767268800000 - g END, g <= 2010, CASE WHEN g <= 2000 THEN 'nightly' END,
               CASE WHEN g > 25000 THEN 9000000000000 + g END
          FROM generate_series(1, 30000) AS g;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, priority, created_at,
            updated_at, serialization, recovery_attempts)
        SELECT 'left in ' || q, 'ENQUEUED', 'checkout', 'shop', 'v1', q, 'left', 9, 1000, 1000, 'dotnet_msgpack', 0
          FROM unnest(array['free', 'whole']) AS q;
        INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
        SELECT 'w' || g, 0, 0, 'time', '', '', '', 9000000000000 + g, 't' FROM generate_series(25001, 30000) AS g;
        """;

    private static readonly Dictionary<string, (string Sql, string Types, string Values)> Statements = new()
    {
        ["claim"] = (new ClaimSql(Schema).Claim, Taking + ", text[]", Taken + ", array['free', 'whole', '_dbos_internal_queue']"),
        ["claim of a limited queue"] = (Limited.ClaimLine, Taking + ", text, int, jsonb, text", Taken + ", 'whole', 0, '{}', ''"),
        ["claim of a limited queue of several kinds"] = (
            Limited.ClaimKinds, Taking + ", text, int, jsonb, text", Taken + ", 'whole', 0, '{}', ''"),
        ["claim of a partitioned queue"] = (Limited.Claim, Taking + ", text, int, jsonb, text", Taken + ", 'parted', 0, '{}', 'p250'"),
        ["lock of a limited queue"] = (Limited.Lock, "bigint, text", "NULL, 'whole'"),
        ["rows without a partition"] = (Limited.NameStrays, Taking + ", text, int, jsonb, text", Taken + ", 'parted', 0, '{}', ''"),
        ["outlook"] = (new QueueSql(Schema).ReadOutlook, "bigint, text", "NULL, 'shop'"),
        ["release"] = (new DelayedSql(Schema).Release, "bigint, text, int", "NULL, 'shop', 100"),
        ["page"] = (
            new ParkedClaimSql(Schema).Page,
            "bigint, text, text, text, text, text[], int, text, int",
            "NULL, 'token', 'e', 'shop', 'v1', array['checkout'], 20, '', 1000"),
    };

    [Fact]
    public async Task Cost_follows_the_limits_and_not_the_backlog()
    {
        // Dropped afterwards, which costs less than deleting so many rows one by one.
        await using var bed = (PostgresBed)await stores.CreateEmptyAsync();
        await bed.Store.Schema.MigrateAsync(TestContext.Current.CancellationToken);
        var rate = new RateLimit(500, TimeSpan.FromHours(1));
        await Queueing.RegisterAsync(bed, new WorkflowQueue("whole") { Concurrency = 100, RateLimit = rate });
        await Queueing.RegisterAsync(
            bed, new WorkflowQueue("parted") { Concurrency = 400, PartitionConcurrency = 2, PartitionRateLimit = rate });
        await using var connection = new NpgsqlConnection(bed.ConnectionString + ";Pooling=false;Search Path=" + PostgresStores.Schema);
        await connection.OpenAsync(TestContext.Current.CancellationToken);

        // The plans are made here, while the tables are empty.
        await RunAsync(connection, PostgresLanes.PlanByKey);
        foreach (var (name, statement) in Statements)
        {
            await RunAsync(connection, $"PREPARE \"{name}\" ({statement.Types}) AS {statement.Sql}");
            await RunAsync(connection, $"BEGIN; EXECUTE \"{name}\" ({statement.Values}); ROLLBACK");
        }

        await RunAsync(connection, Backlog);
        Breaches.None(await BreachesAsync(connection));
        await RunAsync(connection, "ANALYZE");
        Breaches.None(await BreachesAsync(connection));
    }

    private static async Task<List<string>> BreachesAsync(NpgsqlConnection connection)
    {
        var breaches = new List<string>();
        foreach (var (name, statement) in Statements)
        {
            await RunAsync(connection, "BEGIN; SELECT set_config('fluent.queue_held', 'true', true)");
            var plan = await ExplainAsync(connection, "ANALYZE, TIMING OFF, COSTS OFF", $"\"{name}\" ({statement.Values})");
            await RunAsync(connection, "ROLLBACK");
            breaches.AddRange(Breaching(plan).Select(line => $"{name}: {line}"));
        }

        return breaches;
    }

    private static IEnumerable<string> Breaching(List<string> plan) => plan.Where(line =>
        (ReadsAll().IsMatch(line) && !line.EndsWith("(never executed)", StringComparison.Ordinal))
        || (Actual().Match(line) is { Success: true } actual && Number(actual, 1) * Number(actual, 2) > RowsLookedAtMax)
        || (Removed().Match(line) is { Success: true } removed && Number(removed, 1) > RowsLookedAtMax));

    private static double Number(Match match, int group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("Seq Scan on (workflow_status|fluent_waits)")]
    private static partial Regex ReadsAll();

    [GeneratedRegex(@"\(actual rows=([\d.]+) loops=([\d.]+)\)")]
    private static partial Regex Actual();

    [GeneratedRegex(@"Rows Removed by .*: (\d+)")]
    private static partial Regex Removed();
}
