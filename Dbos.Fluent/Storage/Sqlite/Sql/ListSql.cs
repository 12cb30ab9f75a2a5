using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements that list and count workflows; each is built for its filter.</summary>
internal static class ListSql
{
    /// <summary>
    /// The payloads of the rows of a page, in its order, which is that of the array. Each row is read when it is asked for: the sort of a
    /// page would read them all.
    /// </summary>
    public const string Payloads = """
        SELECT w.serialization, coalesce(i.inputs, w.inputs), coalesce(o.output, w.output), coalesce(o.error, w.error)
          FROM json_each(@workflow_uuids) AS page
          LEFT JOIN workflow_status AS w ON w.workflow_uuid = page.value
          LEFT JOIN workflow_input AS i ON i.workflow_uuid = page.value
          LEFT JOIN workflow_output AS o ON o.workflow_uuid = page.value
        """;

    /// <summary>
    /// A page without payloads, in the columns of <see cref="WorkflowSql.RowColumns"/>, and the time by which the list is ordered.
    /// </summary>
    public static (string Sql, FilterSql Conditions) Page(PageRequest request)
    {
        var filter = request.Rows.Filter;
        var column = filter.IsByCompletion ? "w.completed_at" : "w.created_at";
        var direction = filter.NewestFirst ? " DESC" : "";
        var order = $"{column}{direction}, w.workflow_uuid{direction}";
        var conditions = new FilterSql(request.Rows);
        conditions.AddAfter(column, request.After, filter.NewestFirst);
        var (limit, offset) = (conditions.Number(request.Limit), conditions.Number(request.Offset));
        string Cut(string rows, string upTo) => $"SELECT w.* FROM {rows} ORDER BY {order} LIMIT {upTo}";
        string Found(string where, string upTo) => Cut($"workflow_status AS w {where}", upTo);

        // With several states, each state is cut to the limit first, so that no state has to pass over all rows of the others.
        var each = filter.IsByCompletion ? [conditions.Where] : conditions.WhereEach;
        var page = each is [var only]
            ? Found(only, $"{limit} OFFSET {offset}")
            : Cut(
                "(" + string.Join(" UNION ALL ", each.Select(where => $"SELECT * FROM ({Found(where, $"{limit} + {offset}")})")) + ") AS w",
                $"{limit} OFFSET {offset}");
        var sql = $"""
            SELECT {WorkflowSql.RowColumns}, {column}
              FROM ({page}) AS w
              LEFT JOIN (SELECT NULL AS inputs) AS i
              LEFT JOIN (SELECT NULL AS output, NULL AS error) AS o
             ORDER BY {order}
            """;
        return (sql, conditions);
    }

    /// <summary>Counts by one column; a row without a value in it counts under the empty key.</summary>
    // Counts along an index, of the groups or of the states. The groups without a value are merged afterwards.
    public static (string Sql, FilterSql Conditions) Count(FilteredRows rows, CountBy by)
    {
        var conditions = new FilterSql(rows);
        var each = rows.Filter.IsByCompletion ? [conditions.Where] : conditions.WhereEach;
        var found = each.Select(where => $"SELECT {Column(by)} AS key, w.created_at FROM workflow_status AS w {where}");

        // The plus sign rules out the index in the order of the groups, along which all rows would be read, however few are asked for.
        var key = each is [""] ? "key" : "+key";
        var sql = $"""
            SELECT coalesce(key, ''), sum(number), min(oldest)
              FROM (SELECT key, count(*) AS number, min(created_at) AS oldest
                      FROM ({string.Join(" UNION ALL ", found)})
                     GROUP BY {key})
             GROUP BY 1
             ORDER BY 1
            """;
        return (sql, conditions);
    }

    private static string Column(CountBy by) => by switch
    {
        CountBy.Status => "w.status",
        CountBy.Name => "w.name",
        CountBy.Queue => "w.queue_name",
        CountBy.ApplicationVersion => "w.application_version",
        _ => throw new ArgumentOutOfRangeException(nameof(by), by, "It is nothing to count by."),
    };
}
