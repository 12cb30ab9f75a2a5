using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Lists and counts workflows.</summary>
internal interface IListStore
{
    /// <summary>
    /// One page: the rows that meet the filter, in the order of creation, or of completion where the filter bounds that; among equals by
    /// id, ordinally.
    /// </summary>
    Task<ListPage> ReadPageAsync(PageRequest request, CancellationToken cancellationToken);

    /// <summary>How many meet the filter, in one statement; its limit, offset and order do not count. By key, ordinally.</summary>
    Task<IReadOnlyList<CountRow>> CountAsync(FilteredRows rows, CountBy by, CancellationToken cancellationToken);
}

/// <summary>The rows that a filter asks for.</summary>
/// <param name="Filter">The filter, checked.</param>
/// <param name="AttributesJson">Its attributes as a JSON object; null where they do not matter.</param>
internal sealed record FilteredRows(WorkflowFilter Filter, string? AttributesJson);

/// <summary>A page of a list.</summary>
/// <param name="Rows">What is listed, and in which direction.</param>
/// <param name="After">The last row of the page before; null for the first page.</param>
/// <param name="Offset">How many rows are passed over.</param>
/// <param name="Limit">How many rows it has at most.</param>
internal sealed record PageRequest(FilteredRows Rows, PageKey? After, int Offset, int Limit);

/// <summary>The place of a row in a list.</summary>
/// <param name="AtMs">When it was made, or ended, as the list is in the order of.</param>
/// <param name="Id">Its id.</param>
internal readonly record struct PageKey(long AtMs, string Id)
{
    /// <summary>Stands behind every id: the last character there is.</summary>
    public const string LastId = "\U0010FFFF";

    /// <summary>Stands before every row.</summary>
    public static PageKey BeforeAll => new(long.MinValue, "");
}

/// <summary>A page that was read.</summary>
/// <param name="Rows">Its rows. Without payloads where the filter does not ask for them.</param>
/// <param name="Last">The place of the last row; null where there is none.</param>
internal sealed record ListPage(IReadOnlyList<WorkflowRow> Rows, PageKey? Last);

/// <summary>How many rows have a key in common.</summary>
internal readonly record struct CountRow(string Key, long Count, long OldestMs);
