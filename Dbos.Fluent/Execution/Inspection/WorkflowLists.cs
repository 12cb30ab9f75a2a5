using System.Runtime.CompilerServices;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Lists workflows for people, page by page, so that a list of any length takes the memory of one page.</summary>
internal sealed class WorkflowLists(IListStore store, StatusReader reader)
{
    // Payloads may be large. Without them, a page may be longer than what a person looks at.
    private const int PageMax = 100;
    private const int BarePageMax = 1000;

    /// <summary>Reads each page when the caller asks for it.</summary>
    /// <param name="rows">What is listed.</param>
    /// <param name="use">Makes one call of the store for a caller.</param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    public async IAsyncEnumerable<WorkflowStatus> ReadAsync(
        FilteredRows rows,
        Func<Func<CancellationToken, Task<ListPage>>, CancellationToken, Task<ListPage>> use,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var filter = rows.Filter;
        var (left, offset, after) = (filter.Limit ?? int.MaxValue, filter.Offset ?? 0, (PageKey?)null);
        while (left > 0)
        {
            // A person looks at the first page, and may want no other.
            var size = Math.Min(left, filter.LoadPayloads || after is null ? PageMax : BarePageMax);
            var request = new PageRequest(rows, after, offset, size);
            var page = await use(token => store.ReadPageAsync(request, token), cancellationToken).ConfigureAwait(false);
            foreach (var row in page.Rows)
            {
                yield return reader.ToStatus(row);
            }

            if (page.Rows.Count < size && !page.IsCut)
            {
                yield break;
            }

            // A list without a limit is not counted down: it may be longer than the largest integer.
            left = filter.Limit is null ? left : left - page.Rows.Count;
            (offset, after) = (0, page.Last);
        }
    }
}
