namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteListStore(SqliteThreads readers) : IListStore
{
    // Follows the columns of the row.
    private const int MomentColumn = 27;

    public Task<ListPage> ReadPageAsync(PageRequest request, CancellationToken cancellationToken) =>
        readers.RunAsync(session => ReadPage(session, request), cancellationToken);

    public async Task<IReadOnlyList<CountRow>> CountAsync(FilteredRows rows, CountBy by, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => Count(session, rows, by), cancellationToken).ConfigureAwait(false);

    private static ListPage ReadPage(SqliteSession session, PageRequest request)
    {
        var (sql, conditions) = ListSql.Page(request);
        using var statement = conditions.Use(session, sql);
        var rows = new List<WorkflowRow>();
        PageKey? last = null;
        while (statement.Step())
        {
            rows.Add(SqliteRows.ReadWorkflow(statement, request.Rows.Filter.LoadPayloads));
            last = new PageKey(statement.Int64(MomentColumn), statement.Text(0));
        }

        return new ListPage(rows, last);
    }

    private static List<CountRow> Count(SqliteSession session, FilteredRows rows, CountBy by)
    {
        var (sql, conditions) = ListSql.Count(rows, by);
        using var statement = conditions.Use(session, sql);
        var counts = new List<CountRow>();
        while (statement.Step())
        {
            counts.Add(new CountRow(statement.Text(0), statement.Int64(1), statement.Int64(2)));
        }

        return counts;
    }
}
