using System.Text.RegularExpressions;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Sqlite;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>
/// What is asked of a long line again and again goes along an index in its order: a scan or a sort of the backlog fails here.
/// </summary>
public sealed partial class SqliteQueuePlanTests : SqliteFileTest
{
    private const int Waiting = 40_000;
    private const string Line = "idx_fluent_line";
    private const string Delayed = "idx_fluent_delayed";
    private const string InFlight = "idx_workflow_status_in_flight_v2";
    private const string Partitions = "idx_workflow_status_partition_dequeue_v3";

    /// <summary>The statement, the indexes its steps go along, and what it may sort: no more than its limit.</summary>
    private static readonly (string Name, string Sql, string[] Indexes, bool SortsWhatItFound)[] Hot =
    [
        ("kind of a line", LineSql.ReadKind, [Line], false),
        ("next name in a line", LineSql.ReadNextName, [Line], false),
        ("next version in a line", LineSql.ReadNextVersion, [Line], false),
        ("whether a kind waits", LineSql.FindKind, [Line], false),
        ("whether a kind has partitions", LineSql.FindParted, [Line], false),
        ("left with a partition", LineSql.ReadParted, [InFlight, "idx_fluent_versions_code", "fluent_executors", "fluent_versions"], true),
        ("partitions", LineSql.ReadPartitions, [Partitions], false),
        ("running", LineSql.CountRunning, [InFlight], false),
        ("window", LineSql.ReadStarts, ["idx_workflow_status_rate_limited", "idx_fluent_starts (queue_name=? AND started_"], false),
        ("window of a partition", LineSql.ReadPartitionStarts,
            ["idx_fluent_partition_started", "idx_fluent_starts_partition (queue_name=? AND queue_partition_key=? AND started_"], false),
        ("rows without a partition", LineSql.NameStrays, [Line, "sqlite_autoindex_workflow_status_1"], false),
        ("starts ahead of the clock", LineSql.SettleStarts, ["idx_workflow_status_rate_limited"], false),
        ("noted starts ahead of the clock", StartSql.Settle, ["idx_fluent_starts (queue_name=? AND started_"], false),
        ("a start to note", StartSql.Note, ["sqlite_autoindex_workflow_status_1"], false),
        ("noted starts that have passed", StartSql.Forget, ["idx_fluent_starts (queue_name=? AND started_", "INTEGER PRIMARY KEY"], false),
        ("waiting queues", QueueSql.ReadWaiting, [Line], false),
        ("next delayed", QueueSql.ReadNextDelayed, [Delayed], false),
        ("due", QueueSql.FindDelayed, [Delayed], true),
        ("counts", QueueSql.Count, [InFlight], false),
        ("runs of a schedule", ScheduleSql.FindRunning, ["idx_fluent_schedule_running"], false),
        ("page of parked", ParkSql.ReadPage, ["idx_fluent_waits_open", "sqlite_autoindex_workflow_status_1"], false),
        ("holder of a key", QueueSql.ReadHolder, ["uq_workflow_status_dedup_id"], false),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Hot_statements_go_along_an_index(bool analyzed)
    {
        await FillAsync();
        if (analyzed)
        {
            await Database.ExecuteAsync("ANALYZE");
        }

        var wrong = new List<string>();
        foreach (var (name, sql, indexes, sorts) in Hot)
        {
            var steps = (await Database.QueryAsync("EXPLAIN QUERY PLAN " + Parameter().Replace(sql, "?1"))).Select(row => row[3]!).ToList();
            wrong.AddRange(
                from step in steps
                let isRow = step.Contains("PRIMARY KEY (workflow_uuid=?)", StringComparison.Ordinal)
                let goesAlong = isRow || indexes.Any(index => step.Contains(index, StringComparison.Ordinal))
                where (TableStep().IsMatch(step) && !goesAlong)
                    || (step.Contains("TEMP B-TREE", StringComparison.Ordinal) && !sorts)
                select $"{name}: {step}");
        }

        Breaches.None(wrong);
    }

    [Fact]
    public async Task Claims_from_a_long_line_take_the_first_and_end_it()
    {
        await FillAsync();
        var request = Claim("one") with { Queues = ["long"], Limit = 100 };

        var first = await Store.Claims.ClaimAsync(request, Cancel);
        await Store.Queues.RegisterAsync(
            new QueueRegistration(new WorkflowQueue("long") { Concurrency = 150 }, OnConflict.AlwaysUpdate, "shop", "v1"), Cancel);
        var limited = await Store.Claims.ClaimLimitedAsync(request with { Token = "two" }, new QueueShare("long", 0, [], ""), Cancel);

        Assert.Equal(["w00001", "w00100"], [first.Claimed[0].Id, first.Claimed[^1].Id]);
        Assert.Equal((50, "w00150", false), (limited.Result.Claimed.Count, limited.Result.Claimed[^1].Id, limited.More));
    }

    [Fact]
    public async Task One_claim_looks_at_so_many_partitions_and_the_next_goes_on_behind_them()
    {
        await FillAsync(partitions: Waiting);
        await Store.Queues.RegisterAsync(
            new QueueRegistration(new WorkflowQueue("long") { PartitionConcurrency = 1 }, OnConflict.AlwaysUpdate, "shop", "v1"), Cancel);
        await Database.ExecuteAsync("UPDATE workflow_status SET application_version = 'v2' WHERE workflow_uuid < 'w10000'");
        var (after, looks) = ("", 0);
        LimitedClaim claim;
        do
        {
            claim = await Store.Claims.ClaimLimitedAsync(
                Claim($"t{looks++}") with { Limit = 5 }, new QueueShare("long", 0, [], after), Cancel);
            after = claim.LastPartition;
        }
        while (claim.More && claim.Result.Claimed.Count == 0);

        // Rows of the application and of none are two kinds, so half of what a claim may look at.
        Assert.Equal((3, "w10000"), (looks, claim.Result.Claimed[0].Id));
    }

    // All in one millisecond, as one batch enqueues them.
    private Task<int> FillAsync(int partitions = 100) => Database.ExecuteAsync(
        $"""
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {Waiting})
        INSERT INTO workflow_status (
            workflow_uuid, status, name, queue_name, application_name, queue_partition_key, created_at, updated_at, serialization)
        SELECT printf('w%05d', i), 'ENQUEUED', 'checkout', 'long', CASE WHEN i % 10 = 0 THEN NULL ELSE 'shop' END,
               printf('p%05d', i % {partitions + 1}), 1, 1, 'dotnet_msgpack'
          FROM n
        """);

    [GeneratedRegex("@[a-z_]+")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"TABLE (workflow_status|fluent_(waits|starts))|(SCAN|SEARCH) (w|p|s|workflow_status|fluent_(waits|starts))\b")]
    private static partial Regex TableStep();
}
