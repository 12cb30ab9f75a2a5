using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that list and count workflows; each is built for its filter, with its parameters.</summary>
internal sealed class ListSql(SchemaName schema)
{
    // The length of a stored text is known without reading it.
    private const string Bytes =
        "COALESCE(octet_length(COALESCE(i.inputs, w.inputs)), 0)::bigint + COALESCE(octet_length(COALESCE(o.output, w.output)), 0) "
        + "+ COALESCE(octet_length(COALESCE(o.error, w.error)), 0)";

    /// <summary>
    /// A page, in the columns of <see cref="PostgresWorkflowRows"/>, the moment by which the list is ordered, and whether the page goes on
    /// behind the row, also where it is cut.
    /// </summary>
    // The page is cut before any join, and joined rows are looked up one by one: otherwise a plan for stale statistics may read the
    // payloads of all workflows for one page.
    public (string Sql, NpgsqlParameter[] Parameters) Page(PageRequest request)
    {
        var (filter, payloads) = (request.Rows.Filter, request.Rows.Filter.LoadPayloads);
        var column = filter.IsByCompletion ? "w.completed_at" : "w.created_at";
        var direction = filter.NewestFirst ? " DESC" : "";
        var conditions = new FilterSql(schema, request.Rows, isList: true);
        conditions.AddPlace(column, request.After, filter.NewestFirst);
        var leading = conditions.Leading is { } first ? $"{first}{direction}, " : "";
        var order = $"{leading}{column}{direction}, {FilterSql.ById}{direction}";
        var (limit, offset) = (conditions.Parameter(Small(request.Limit)), conditions.Parameter(Small(request.Offset)));
        var bytesMax = payloads ? conditions.Parameter(Small(ListPage.BytesMax)) : "";
        string Cut(string rows, string upTo) => $"SELECT w.* FROM {rows} ORDER BY {order} LIMIT {upTo}";
        string Found(string where, string upTo) => Cut($"{schema}.workflow_status AS w {where}", upTo);

        // With several states each is cut by itself first, so that none of them passes over all rows of the others.
        var each = filter.IsByCompletion ? [conditions.Where] : conditions.WhereEach;
        var page = each is [var only]
            ? Found(only, $"{limit} OFFSET {offset}")
            : Cut(
                "(" + string.Join(" UNION ALL ", each.Select(where => $"({Found(where, $"{limit}::bigint + {offset}")})")) + ") AS w",
                $"{limit} OFFSET {offset}");
        var sql = payloads
            ? $"""
                SELECT {WorkflowSql.RowColumns(schema)}, {column}, w.more
                  FROM (
                    SELECT w.*, i.inputs AS own_inputs, o.output AS own_output, o.error AS own_error, {Bytes} AS bytes,
                           sum({Bytes}) OVER so_far AS bytes_so_far, lead(true, 1, false) OVER so_far AS more
                      FROM ({page}) AS w
                      {Payload("workflow_input", "inputs", "i")}
                      {Payload("workflow_output", "output, error", "o")}
                    WINDOW so_far AS (ORDER BY {order} ROWS UNBOUNDED PRECEDING)) AS w
                 CROSS JOIN LATERAL (SELECT w.own_inputs AS inputs) AS i
                 CROSS JOIN LATERAL (SELECT w.own_output AS output, w.own_error AS error) AS o
                 WHERE w.bytes_so_far <= {bytesMax} OR w.bytes_so_far = w.bytes
                 ORDER BY {order}
                """
            : $"""
                SELECT {WorkflowSql.RowColumns(schema)}, {column}, false
                  FROM ({page}) AS w
                 CROSS JOIN (SELECT NULL::text AS inputs) AS i
                 CROSS JOIN (SELECT NULL::text AS output, NULL::text AS error) AS o
                 ORDER BY {order}
                """;
        return (sql, conditions.Parameters);
    }

    /// <summary>Counts by one column; a row without a value in it counts under the empty key.</summary>
    // As in a list, each state uses its own index, and so do the groups. The groups without a value are merged into one afterwards.
    public (string Sql, NpgsqlParameter[] Parameters) Count(FilteredRows rows, CountBy by)
    {
        var conditions = new FilterSql(schema, rows, isList: false);
        var each = rows.Filter.IsByCompletion ? [conditions.Where] : conditions.WhereEach;
        var found = each.Select(where => $"SELECT {Column(by)} AS key, w.created_at FROM {schema}.workflow_status AS w {where}");
        var sql = $"""
            SELECT COALESCE(key, ''), sum(number)::bigint, min(oldest)
              FROM (SELECT key, count(*) AS number, min(created_at) AS oldest
                      FROM ({string.Join(" UNION ALL ", found)}) AS found
                     GROUP BY key) AS counted
             GROUP BY COALESCE(key, '')
             ORDER BY COALESCE(key, '') COLLATE "C"
            """;
        return (sql, conditions.Parameters);
    }

    private string Payload(string table, string columns, string alias) =>
        $"LEFT JOIN LATERAL (SELECT {columns} FROM {schema}.{table} WHERE workflow_uuid = w.workflow_uuid LIMIT 1) AS {alias} ON true";

    private static string Column(CountBy by) => by switch
    {
        CountBy.Status => "w.status",
        CountBy.Name => "w.name",
        CountBy.Queue => "w.queue_name",
        CountBy.ApplicationVersion => "w.application_version",
        _ => throw new ArgumentOutOfRangeException(nameof(by), by, "It is nothing to count by."),
    };
}
