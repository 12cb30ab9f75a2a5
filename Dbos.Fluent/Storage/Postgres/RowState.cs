namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The state of a row that a statement of a lane looks up by its key.</summary>
internal static class RowState
{
    /// <summary>
    /// Asks for a state in words that no partial index is defined by. A plan made while the tables were empty takes such an index for
    /// cheaper than the key, its one page being read whole; kept, it would read all rows of that state at each lookup.
    /// </summary>
    public static string Is(string column, string state) => $"COALESCE({column}, '') = '{state}'";
}
