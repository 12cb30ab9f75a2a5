using System.Text;
using Dbos.Fluent.Model;

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
        var (bare, moments) = (new List<WorkflowRow>(), new List<long>());
        while (statement.Step())
        {
            bare.Add(SqliteRows.ReadWorkflow(statement, payloads: false));
            moments.Add(statement.Int64(MomentColumn));
        }

        var rows = request.Rows.Filter.LoadPayloads ? WithPayloads(session, bare) : bare;
        return new ListPage(rows, rows is [.., var last] ? new PageKey(moments[rows.Count - 1], last.Status.Id) : null)
        {
            IsCut = rows.Count < bare.Count,
        };
    }

    private static List<WorkflowRow> WithPayloads(SqliteSession session, List<WorkflowRow> page)
    {
        using var statement = session.Use(ListSql.Payloads).Bind("@workflow_uuids", SqliteLists.Of(page.ConvertAll(row => row.Status.Id)));
        var (rows, bytes) = (new List<WorkflowRow>(page.Count), 0L);
        while (statement.Step())
        {
            var format = statement.TextOrNull(0);
            var (input, output, error) = (statement.TextOrNull(1), statement.TextOrNull(2), statement.TextOrNull(3));
            bytes += Bytes(input) + Bytes(output) + Bytes(error);
            if (bytes > ListPage.BytesMax && rows.Count > 0)
            {
                break;
            }

            rows.Add(page[rows.Count] with
            {
                Input = new Payload(input, format),
                Output = new Payload(output, format),
                Error = new Payload(error, format),
            });
        }

        return rows;
    }

    private static int Bytes(string? payload) => payload is null ? 0 : Encoding.UTF8.GetByteCount(payload);

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
