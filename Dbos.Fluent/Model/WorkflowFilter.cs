using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>Selects the workflows to list or count: those that meet every condition that is set. Immutable.</summary>
/// <remarks>
/// A condition that is null matches every workflow; an empty list matches none. Time bounds count in whole milliseconds, as the database
/// does: "after" includes its moment, "before" excludes it. A call that uses a filter with contradictory conditions is refused.
/// </remarks>
public sealed record WorkflowFilter
{
    private const int AtOnceMax = 100_000;
    private static readonly WorkflowState[] Unended = [WorkflowState.Enqueued, WorkflowState.Pending, WorkflowState.Delayed];

    /// <summary>Only workflows with these ids; unknown ids give no result.</summary>
    /// <value>Null by default: any. At most 100,000.</value>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters, or there are too many.</exception>
    public IReadOnlyList<string>? Ids
    {
        get;
        init => field = value is null ? null
            : value.Count > AtOnceMax ? throw new ArgumentException($"A filter takes at most {AtOnceMax} ids.", nameof(Ids))
            : [.. value.Select(id => Names.CheckId(id, nameof(Ids)))];
    }

    /// <summary>The beginning of the id, taken literally: there are no wildcards.</summary>
    /// <value>Null by default: any.</value>
    /// <exception cref="ArgumentException">The text is blank, too long or holds control characters.</exception>
    public string? IdPrefix { get; init => field = Checked(value, nameof(IdPrefix)); }

    /// <summary>Only workflows in one of these states.</summary>
    /// <value>Null by default: any state.</value>
    /// <exception cref="ArgumentOutOfRangeException">A value is not one of the enumeration.</exception>
    public IReadOnlyList<WorkflowState>? States
    {
        get;
        init => field = value is null ? null : [.. value.Select(state => Enum.IsDefined(state)
            ? state
            : throw new ArgumentOutOfRangeException(nameof(States), state, $"Unknown WorkflowState value {state}.")).Distinct()];
    }

    /// <summary>The name of its definition.</summary>
    /// <value>Null by default: any.</value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Name { get; init => field = Checked(value, nameof(Name)); }

    /// <summary>The queue that the workflow waits in or was taken from. A cancelled workflow has left its queue.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Queue { get; init => field = Checked(value, nameof(Queue)); }

    /// <summary>
    /// Only workflows that are in a queue and have not ended: enqueued, delayed, or running from a queue. A parked workflow, which waits
    /// out of memory for something of its own, is not in a queue.
    /// </summary>
    /// <value>False by default.</value>
    public bool QueuedOnly { get; init; }

    /// <summary>The executor that runs it or ran it last.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public string? ExecutorId { get; init => field = Checked(value, nameof(ExecutorId)); }

    /// <summary>The application version that it is bound to.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    public string? ApplicationVersion { get; init => field = Checked(value, nameof(ApplicationVersion)); }

    /// <summary>The workflow that started it; selects direct children only.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public string? ParentId { get; init => field = Checked(value, nameof(ParentId)); }

    /// <summary>The workflow that it was forked from; selects direct forks only.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public string? ForkedFrom { get; init => field = Checked(value, nameof(ForkedFrom)); }

    /// <summary>The schedule that started it.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? ScheduleName { get; init => field = Checked(value, nameof(ScheduleName)); }

    /// <summary>Its partition of its queue.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public string? PartitionKey { get; init => field = Checked(value, nameof(PartitionKey)); }

    /// <summary>The deduplication id that it holds.</summary>
    /// <value>Null by default: any or none.</value>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public string? DeduplicationId { get; init => field = Checked(value, nameof(DeduplicationId)); }

    /// <summary>Only workflows created at this moment or later.</summary>
    /// <value>Null by default: any time.</value>
    public DateTimeOffset? CreatedAfter { get; init; }

    /// <summary>Only workflows created before this moment; it must be later than <see cref="CreatedAfter"/>.</summary>
    /// <value>Null by default: any time.</value>
    public DateTimeOffset? CreatedBefore { get; init; }

    /// <summary>Only workflows that ended at this moment or later. With a bound on the end, the list is in order of completion.</summary>
    /// <value>Null by default: any time, or not ended.</value>
    public DateTimeOffset? CompletedAfter { get; init; }

    /// <summary>Only workflows that ended before this moment; it must be later than <see cref="CompletedAfter"/>.</summary>
    /// <value>Null by default: any time, or not ended.</value>
    public DateTimeOffset? CompletedBefore { get; init; }

    /// <summary>Only workflows that have these attributes with these values; they may have others too.</summary>
    /// <value>Null by default: any or none. An empty dictionary: workflows that have attributes at all.</value>
    public IReadOnlyDictionary<string, object?>? Attributes { get; init; }

    /// <summary>Lists the newest first instead of the oldest. Counts ignore it.</summary>
    /// <value>False by default.</value>
    public bool NewestFirst { get; init; }

    /// <summary>The largest number of workflows to list. Counts ignore it.</summary>
    /// <value>Null by default: all.</value>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public int? Limit { get; init => field = NotNegative(value, nameof(Limit)); }

    /// <summary>
    /// How many workflows to skip first. The database reads the skipped rows, so to page through a long list, enumerate one list instead.
    /// Counts ignore it.
    /// </summary>
    /// <value>Null by default: none.</value>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public int? Offset { get; init => field = NotNegative(value, nameof(Offset)); }

    /// <summary>Whether input, output and error are read too, as readable JSON; a list is faster without them.</summary>
    /// <value>True by default. Counts ignore it.</value>
    public bool LoadPayloads { get; init; } = true;

    /// <summary>True if the list is in order of completion; otherwise it is in order of creation.</summary>
    internal bool IsByCompletion => CompletedAfter is not null || CompletedBefore is not null;

    /// <summary>The states that the conditions together ask for; null for any.</summary>
    internal IReadOnlyList<WorkflowState>? WantedStates => !QueuedOnly ? States
        : States is null ? Unended
        : [.. States.Intersect(Unended)];

    /// <exception cref="ArgumentException">No workflow can meet all conditions.</exception>
    internal WorkflowFilter Checked(string parameter)
    {
        CheckWindow(CreatedAfter, CreatedBefore, nameof(CreatedAfter), nameof(CreatedBefore), parameter);
        CheckWindow(CompletedAfter, CompletedBefore, nameof(CompletedAfter), nameof(CompletedBefore), parameter);
        if (QueuedOnly && States is { Count: > 0 } && States.All(state => state.IsTerminal()))
        {
            throw new ArgumentException(
                $"{nameof(QueuedOnly)} asks for what has not ended, and {nameof(States)} for ended workflows only: leave one of them out.",
                parameter);
        }

        if (IsByCompletion && States is { Count: > 0 } && !States.Any(state => state.IsTerminal()))
        {
            throw new ArgumentException(
                $"{nameof(States)} asks for what has not ended, and there is a bound on the end: leave one of them out.", parameter);
        }

        return IsByCompletion && QueuedOnly
            ? throw new ArgumentException(
                $"{nameof(QueuedOnly)} asks for what has not ended, and there is a bound on the end: leave one of them out.", parameter)
            : this;
    }

    private static void CheckWindow(DateTimeOffset? after, DateTimeOffset? before, string first, string last, string parameter)
    {
        if (after >= before)
        {
            throw new ArgumentException($"Between {first} ({after:O}) and {last} ({before:O}) there is no time.", parameter);
        }
    }

    private static string? Checked(string? value, string property) => value is null ? null : Names.CheckName(value, property);

    private static int? NotNegative(int? value, string property) => value is < 0
        ? throw new ArgumentOutOfRangeException(property, value, $"{property} is at least zero.")
        : value;
}
