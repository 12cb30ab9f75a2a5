using System.Globalization;
using System.Text.RegularExpressions;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>
/// What lists and collections cost on a long table: rows that a statement looks at follow the page, wherever in the table it lies.
/// </summary>
public sealed partial class PostgresListPlanTests(PostgresStores stores) : IClassFixture<PostgresStores>
{
    private const int RowsLookedAtMax = 1_500;

    private static readonly SchemaName Schema = new(PostgresStores.Schema);

    // What is sought is always the last that was made, behind all others.
    private const string Rows = """
        SET synchronous_commit = off;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, parent_workflow_id, forked_from, schedule_name,
            created_at, updated_at, completed_at, serialization)
        SELECT CASE WHEN late THEN 'z' ELSE 'a' END || g, s, CASE WHEN late THEN 'rare' ELSE 'checkout' END, 'shop',
               CASE WHEN late THEN 'v2' ELSE 'v1' END, CASE WHEN late THEN 'rare' WHEN g % 2 = 0 THEN 'line' END,
               CASE WHEN late THEN 'parent' END, CASE WHEN late THEN 'source' END, CASE WHEN late THEN 'nightly' END,
               1000 + g, 1000 + g, CASE WHEN s IN ('SUCCESS', 'ERROR', 'CANCELLED') THEN 2000 + g END, 'dotnet_msgpack'
          FROM (
            SELECT g, g > 29000 AS late,
                   CASE WHEN g <= 29000 THEN 'SUCCESS' ELSE (ARRAY['SUCCESS', 'ERROR', 'CANCELLED', 'ENQUEUED', 'DELAYED', 'PENDING'])[g % 6 + 1]
                   END AS s
              FROM generate_series(1, 30000) AS g) AS r;
        INSERT INTO workflow_input (workflow_uuid) SELECT workflow_uuid FROM workflow_status;
        INSERT INTO workflow_output (workflow_uuid) SELECT workflow_uuid FROM workflow_status;
        ANALYZE;
        """;

    private static readonly Dictionary<string, WorkflowFilter> Filters = new()
    {
        ["all"] = new(),
        ["ids"] = new() { Ids = ["z29500", "z29501", "a1"] },
        ["id prefix"] = new() { IdPrefix = "z295" },
        ["enqueued"] = new() { States = [WorkflowState.Enqueued] },
        ["delayed"] = new() { States = [WorkflowState.Delayed] },
        ["running"] = new() { States = [WorkflowState.Pending] },
        ["failed"] = new() { States = [WorkflowState.Error] },
        ["cancelled"] = new() { States = [WorkflowState.Cancelled] },
        ["succeeded"] = new() { States = [WorkflowState.Success] },
        ["unended"] = new() { States = [WorkflowState.Enqueued, WorkflowState.Delayed, WorkflowState.Pending] },
        ["queued"] = new() { QueuedOnly = true },
        ["name"] = new() { Name = "rare" },
        ["version"] = new() { ApplicationVersion = "v2" },
        ["queue"] = new() { Queue = "rare" },
        ["parent"] = new() { ParentId = "parent" },
        ["fork"] = new() { ForkedFrom = "source" },
        ["schedule"] = new() { ScheduleName = "nightly" },
        ["created"] = new() { CreatedAfter = At(30_000), CreatedBefore = At(30_500) },
        ["completed"] = new() { CompletedAfter = At(31_000) },
    };

    [Fact]
    public async Task Cost_follows_the_page_and_not_the_table()
    {
        await using var bed = (PostgresBed)await stores.CreateEmptyAsync();
        await bed.Store.Schema.MigrateAsync(TestContext.Current.CancellationToken);
        await using var connection = new NpgsqlConnection(bed.ConnectionString + ";Pooling=false;Search Path=" + PostgresStores.Schema);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using (var fill = new NpgsqlCommand(Rows, connection))
        {
            await fill.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var breaches = new List<string>();
        var list = new ListSql(Schema);
        foreach (var (name, filter) in Filters)
        {
            var rows = new FilteredRows(filter, null);
            breaches.AddRange(await BreachesAsync(connection, name, list.Page(new PageRequest(rows, null, 0, 100))));
            var newest = rows with { Filter = filter with { NewestFirst = true, LoadPayloads = false } };
            breaches.AddRange(await BreachesAsync(connection, name + ", newest first", list.Page(new PageRequest(newest, null, 0, 100))));
        }

        breaches.AddRange(await CountBreachesAsync(connection, list));
        var behind = new PageRequest(new FilteredRows(new WorkflowFilter(), null), new PageKey(25_000, "a24000"), 0, 100);
        breaches.AddRange(await BreachesAsync(connection, "a later page", list.Page(behind)));
        var common = new FilteredRows(new WorkflowFilter { Name = "checkout" }, null);
        breaches.AddRange(await BreachesAsync(connection, "a later page by name", list.Page(behind with { Rows = common })));
        var scope = new RetentionScope(new RetentionPolicy { KeepNewest = 200 }, "shop");
        var deletions = new DeletionSql(Schema);
        breaches.AddRange(await BreachesAsync(connection, "bound", deletions.ReadBound(scope, PostgresParameters.Number(null))));
        var collection = new RetentionRequest(scope, new PageKey(31_500, "z"), new PageKey(20_000, "z"), 100);
        breaches.AddRange(await BreachesAsync(connection, "collection", deletions.Collect(collection, PostgresParameters.Number(null))));
        var found = deletions.FindFirst(collection with { Except = ["a20001"], Limit = 1 }, PostgresParameters.Number(null));
        breaches.AddRange(await BreachesAsync(connection, "first of a collection", found));
        Breaches.None(breaches);
    }

    // Over all rows a count reads the one table once; asked for few, it looks at few.
    private static async Task<IEnumerable<string>> CountBreachesAsync(NpgsqlConnection connection, ListSql list)
    {
        var breaches = new List<string>();
        foreach (var by in Enum.GetValues<CountBy>())
        {
            var plan = await PlanAsync(connection, list.Count(new FilteredRows(new WorkflowFilter(), null), by));
            var reads = plan.Count(line => TableRead().IsMatch(line));
            var foreign = plan.Where(line => line.Contains("workflow_input") || line.Contains("workflow_output") || line.Contains("Join"));
            breaches.AddRange(reads == 1 ? foreign : [.. plan]);
            foreach (var (name, filter) in Filters.Where(each => each.Key is not ("all" or "succeeded")))
            {
                var few = await BreachesAsync(connection, $"count by {by} of {name}", list.Count(new FilteredRows(filter, null), by));
                breaches.AddRange(few);
            }
        }

        return breaches;
    }

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);

    private static async Task<IEnumerable<string>> BreachesAsync(
        NpgsqlConnection connection, string name, (string Sql, NpgsqlParameter[] Parameters) statement)
    {
        var plan = await PlanAsync(connection, statement);
        return plan.Where(line =>
            (ReadsAll().IsMatch(line) && !line.EndsWith("(never executed)", StringComparison.Ordinal))
            || (Actual().Match(line) is { Success: true } actual && Number(actual, 1) * Number(actual, 2) > RowsLookedAtMax)
            || (Removed().Match(line) is { Success: true } removed && Number(removed, 1) > RowsLookedAtMax))
            .Select(line => $"{name}: {line}");
    }

    private static async Task<List<string>> PlanAsync(
        NpgsqlConnection connection, (string Sql, NpgsqlParameter[] Parameters) statement)
    {
        var plan = new List<string>();
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var explain = new NpgsqlCommand("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) " + statement.Sql, connection);
        explain.Parameters.AddRange(statement.Parameters);
        await using var reader = await explain.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            plan.Add(reader.GetString(0));
        }

        return plan;
    }

    private static double Number(Match match, int group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("Seq Scan on workflow_(status|input|output)")]
    private static partial Regex ReadsAll();

    [GeneratedRegex("Scan .*on workflow_status|Scan using .* on workflow_status")]
    private static partial Regex TableRead();

    [GeneratedRegex(@"\(actual rows=([\d.]+) loops=([\d.]+)\)")]
    private static partial Regex Actual();

    [GeneratedRegex(@"Rows Removed by .*: (\d+)")]
    private static partial Regex Removed();
}
