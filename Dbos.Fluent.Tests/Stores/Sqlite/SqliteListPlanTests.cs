using System.Text.RegularExpressions;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Sqlite;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>Lists go along the index of what they ask for: a list by what few have in common passes over no others.</summary>
public sealed partial class SqliteListPlanTests : SqliteFileTest
{
    private static readonly (WorkflowFilter Filter, string Index)[] Lists =
    [
        (new(), "workflow_status_created_at_index"),
        (new() { Ids = ["a"] }, "sqlite_autoindex_workflow_status_1"),
        (new() { IdPrefix = "a" }, "sqlite_autoindex_workflow_status_1"),
        (new() { States = [WorkflowState.Enqueued] }, "idx_fluent_enqueued"),
        (new() { States = [WorkflowState.Delayed] }, "idx_fluent_held"),
        (new() { States = [WorkflowState.Pending] }, "idx_workflow_status_pending"),
        (new() { States = [WorkflowState.Error] }, "idx_workflow_status_failed"),
        (new() { States = [WorkflowState.Pending, WorkflowState.Delayed] }, "idx_workflow_status_pending"),
        (new() { Name = "n" }, "idx_fluent_name"),
        (new() { ApplicationVersion = "v" }, "idx_fluent_version"),
        (new() { Queue = "q" }, "idx_fluent_queue"),
        (new() { ParentId = "p" }, "idx_workflow_status_parent_workflow_id"),
        (new() { ForkedFrom = "f" }, "idx_workflow_status_forked_from"),
        (new() { ScheduleName = "s" }, "idx_workflow_status_schedule_name"),
        (new() { CreatedAfter = DateTimeOffset.UnixEpoch }, "workflow_status_created_at_index"),
        (new() { CompletedAfter = DateTimeOffset.UnixEpoch }, "idx_workflow_status_completed_at"),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Lists_go_along_the_index_of_what_they_ask_for(bool analyzed)
    {
        await FillAsync();
        if (analyzed)
        {
            await Database.ExecuteAsync("ANALYZE");
        }

        var wrong = new List<string>();
        foreach (var (filter, index) in Lists)
        {
            foreach (var newest in (bool[])[false, true])
            {
                var rows = new FilteredRows(filter with { NewestFirst = newest }, null);
                wrong.AddRange(await WrongAsync($"{filter}", ListSql.Page(new PageRequest(rows, new PageKey(5, "b"), 0, 100)).Sql, index));
            }
        }

        foreach (var (filter, index) in Lists.Where(list => list.Filter != new WorkflowFilter()))
        {
            foreach (var by in Enum.GetValues<CountBy>())
            {
                var count = ListSql.Count(new FilteredRows(filter, null), by).Sql;
                wrong.AddRange(await WrongAsync($"count by {by} of {filter}", count, index));
            }
        }

        foreach (var by in Enum.GetValues<CountBy>())
        {
            var steps = await StepsAsync(ListSql.Count(new FilteredRows(new WorkflowFilter(), null), by).Sql);
            wrong.AddRange(steps.Count(step => TableStep().IsMatch(step)) == 1 ? [] : steps);
        }

        var scope = new RetentionScope(new RetentionPolicy { KeepNewest = 1 }, "shop");
        const string ByEnd = "idx_workflow_status_completed_at";
        wrong.AddRange(await WrongAsync("bound", DeletionSql.FirstNotKept(scope).Sql, ByEnd));
        var request = new RetentionRequest(scope, new PageKey(9, "b"), new PageKey(5, "b"), 100);
        wrong.AddRange(await WrongAsync("collection", DeletionSql.Doomed(request, 1).Sql, ByEnd));
        wrong.AddRange(await WrongAsync("collection's end", DeletionSql.Until(request).Sql, ByEnd));
        Breaches.None(wrong);
    }

    // The first step on the table is the one that finds the rows; what is joined to them is looked up.
    private async Task<IEnumerable<string>> WrongAsync(string name, string sql, string index)
    {
        var steps = await StepsAsync(sql);
        var first = steps.First(step => TableStep().IsMatch(step));
        return first.Contains(index, StringComparison.Ordinal) ? [] : [$"{name}: {string.Join("; ", steps)}"];
    }

    private async Task<List<string>> StepsAsync(string sql) =>
        [.. (await Database.QueryAsync("EXPLAIN QUERY PLAN " + Parameter().Replace(sql, "1"))).Select(row => row[3]!)];

    private Task<int> FillAsync() => Database.ExecuteAsync(
        """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO workflow_status (
            workflow_uuid, status, name, queue_name, application_name, application_version, parent_workflow_id, forked_from, schedule_name,
            created_at, updated_at, completed_at, serialization)
        SELECT printf('w%05d', i),
               CASE i % 10 WHEN 1 THEN 'ENQUEUED' WHEN 2 THEN 'DELAYED' WHEN 3 THEN 'PENDING' WHEN 4 THEN 'ERROR' ELSE 'SUCCESS' END,
               'name ' || (i % 100), 'queue ' || (i % 100), 'shop', 'v' || (i % 100), CASE WHEN i % 10 = 0 THEN 'p' || (i % 100) END,
               CASE WHEN i % 10 = 0 THEN 'f' || (i % 100) END, CASE WHEN i % 10 = 0 THEN 's' || (i % 100) END, i, i,
               CASE WHEN i % 10 NOT IN (1, 2, 3) THEN i END, 'dotnet_msgpack'
          FROM n
        """);

    [GeneratedRegex("@p[0-9]+")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"(SCAN|SEARCH)( TABLE)? (workflow_status|w)\b")]
    private static partial Regex TableStep();
}
