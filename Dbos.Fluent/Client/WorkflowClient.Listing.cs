using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <summary>
    /// Lists workflows, the oldest first. They are read while the list is enumerated, so any list takes the memory of a page.
    /// </summary>
    /// <remarks>
    /// The list is in the order of creation, or of completion where the filter bounds the end; workflows of one moment are in the order of
    /// their ids. Pages are read one after another, so a workflow that changes meanwhile is listed as it was when its page was read. A
    /// workflow that is rewound or resumed during a list by completion, and ends again, may be listed twice; no other is. No workflow that
    /// keeps its place and meets the filter throughout is left out. Workflows of all applications in the database are listed. A payload
    /// that cannot be decoded is given as it is stored.
    /// </remarks>
    /// <param name="filter">The conditions that listed workflows meet; null, the default, for all workflows.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The workflows; nothing is read until the first one is asked for.</returns>
    /// <exception cref="ArgumentException">
    /// Conditions of the filter contradict each other, or an attribute is not a simple value.
    /// </exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped; thrown by the enumeration.</exception>
    /// <exception cref="StoreUnavailableException">
    /// The database did not answer within 30 s, three times in a row; thrown by the enumeration.
    /// </exception>
    public IAsyncEnumerable<WorkflowStatus> ListAsync(WorkflowFilter? filter = null, CancellationToken cancellationToken = default) =>
        management.ListAsync(Rows(filter), cancellationToken);

    /// <summary>Counts workflows by state, name, queue or version, in one statement.</summary>
    /// <param name="filter">
    /// The conditions that counted workflows meet; null, the default, for all workflows. Its <c>Limit</c>, <c>Offset</c>,
    /// <c>NewestFirst</c> and <c>LoadPayloads</c> do not count.
    /// </param>
    /// <param name="by">The key by which they are counted; <see cref="CountBy.Status"/> by default.</param>
    /// <param name="cancellationToken">Cancels the count.</param>
    /// <returns>One count for each key that occurs, in the order of the keys.</returns>
    /// <exception cref="ArgumentException">
    /// Conditions of the filter contradict each other, or an attribute is not a simple value.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="by"/> is not a value of the enumeration.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task<IReadOnlyList<WorkflowCount>> CountAsync(
        WorkflowFilter? filter = null, CountBy by = CountBy.Status, CancellationToken cancellationToken = default) =>
        Enum.IsDefined(by)
            ? management.CountAsync(Rows(filter), by, cancellationToken)
            : throw new ArgumentOutOfRangeException(
                nameof(by), by, "Unknown CountBy value; use Status, Name, Queue or ApplicationVersion.");

    private static FilteredRows Rows(WorkflowFilter? filter)
    {
        var rows = (filter ?? new WorkflowFilter()).Checked(nameof(filter));
        return new FilteredRows(rows, AttributesJson.Of(rows.Attributes));
    }
}
