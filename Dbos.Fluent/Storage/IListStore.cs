using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Lists and counts workflows.</summary>
internal interface IListStore
{
    /// <summary>
    /// Reads one page of the rows that match the filter, in order of creation, or of completion where the filter bounds that; ties are
    /// ordered by id, ordinally.
    /// </summary>
    Task<ListPage> ReadPageAsync(PageRequest request, CancellationToken cancellationToken);

    /// <summary>Counts the rows that match the filter in one statement, ignoring its limit, offset and order. By key, ordinally.</summary>
    Task<IReadOnlyList<CountRow>> CountAsync(FilteredRows rows, CountBy by, CancellationToken cancellationToken);
}

/// <summary>The rows that a filter asks for.</summary>
/// <param name="Filter">The filter, checked.</param>
/// <param name="AttributesJson">Its attributes as a JSON object; null if it does not filter by them.</param>
internal sealed record FilteredRows(WorkflowFilter Filter, string? AttributesJson);

/// <summary>A page of a list.</summary>
/// <param name="Rows">What is listed, and in which direction.</param>
/// <param name="After">The last row of the page before; null for the first page.</param>
/// <param name="Offset">How many rows to skip.</param>
/// <param name="Limit">How many rows to return at most.</param>
internal sealed record PageRequest(FilteredRows Rows, PageKey? After, int Offset, int Limit);

/// <summary>The position of a row in a list.</summary>
/// <param name="AtMs">When it was created, or completed, depending on the list's order.</param>
/// <param name="Id">Its id.</param>
internal readonly record struct PageKey(long AtMs, string Id)
{
    /// <summary>Sorts behind every id: the last Unicode character.</summary>
    public const string LastId = "\U0010FFFF";

    /// <summary>Sorts before every row.</summary>
    public static PageKey BeforeAll => new(long.MinValue, "");
}

/// <summary>A page that was read.</summary>
/// <param name="Rows">Its rows. Without payloads where the filter does not ask for them.</param>
/// <param name="Last">The position of the last row; null if the page is empty.</param>
internal sealed record ListPage(IReadOnlyList<WorkflowRow> Rows, PageKey? Last)
{
    /// <summary>
    /// How many bytes of payloads a page has at most, unless its first row alone has more. Otherwise a page of large payloads would take
    /// longer than a call may, at every try.
    /// </summary>
    public const int BytesMax = 4 << 20;

    /// <summary>True if the page ends where its payloads would have become too many, so that more rows follow.</summary>
    public bool IsCut { get; init; }
}

/// <summary>How many rows have a key in common.</summary>
internal readonly record struct CountRow(string Key, long Count, long OldestMs);
