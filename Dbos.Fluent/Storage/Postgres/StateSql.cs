using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Lists of states, as they stand between the parentheses of <c>IN</c>.</summary>
internal static class StateSql
{
    /// <summary>A workflow in one of these has not ended.</summary>
    public const string Unended = $"'{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}'";
}
