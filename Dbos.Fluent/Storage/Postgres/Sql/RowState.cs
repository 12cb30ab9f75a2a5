using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Conditions on the state of a row.</summary>
internal static class RowState
{
    /// <summary>The states of a workflow that has not ended, as a list for <c>IN</c>.</summary>
    public const string Unended = $"'{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}'";

    /// <summary>
    /// Compares a state in words that no partial index matches, for a row that a lane's statement looks up by its key. A plan made while
    /// the tables were empty considers such an index cheaper than the key, because its one page is read whole. A kept plan would then read
    /// all rows of that state at each lookup.
    /// </summary>
    public static string Is(string column, string state) => $"COALESCE({column}, '') = '{state}'";
}
