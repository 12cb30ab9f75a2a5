namespace Dbos.Fluent.Storage.Postgres;

/// <inheritdoc/>
internal sealed class PostgresListStore(PostgresDatabase database) : IListStore
{
    // Follows the columns of the row.
    private const int MomentColumn = 27;
    private const int MoreColumn = 28;

    private readonly ListSql sql = new(database.Schema);

    public async Task<ListPage> ReadPageAsync(PageRequest request, CancellationToken cancellationToken)
    {
        var (text, parameters) = sql.Page(request);
        var rows = await database.QueryAsync(
            text,
            parameters,
            row => (
                Row: PostgresWorkflowRows.Read(row, request.Rows.Filter.LoadPayloads),
                At: row.GetInt64(MomentColumn),
                More: row.GetBoolean(MoreColumn)),
            cancellationToken).ConfigureAwait(false);
        return new ListPage(
            rows.ConvertAll(row => row.Row), rows is [.., var last] ? new PageKey(last.At, last.Row.Status.Id) : null)
        {
            IsCut = rows is [.., { More: true }],
        };
    }

    public async Task<IReadOnlyList<CountRow>> CountAsync(FilteredRows rows, CountBy by, CancellationToken cancellationToken)
    {
        var (text, parameters) = sql.Count(rows, by);
        return await database.QueryAsync(
            text, parameters, row => new CountRow(row.GetString(0), row.GetInt64(1), row.GetInt64(2)), cancellationToken)
            .ConfigureAwait(false);
    }
}
