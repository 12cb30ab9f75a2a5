using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Conditions on the state of a row.</summary>
internal static class RowState
{
    /// <summary>The states of a workflow that has not ended, as a list for <c>IN</c>.</summary>
    public const string Unended = $"'{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}'";

    /// <summary>
    /// Asks for a state in words that no partial index is defined by, for a row that a statement of a lane looks up by its key. A plan made
    /// while the tables were empty takes such an index for cheaper than the key, its one page being read whole. If it is kept, it reads all
    /// rows of that state at each lookup.
    /// </summary>
    public static string Is(string column, string state) => $"COALESCE({column}, '') = '{state}'";
}
