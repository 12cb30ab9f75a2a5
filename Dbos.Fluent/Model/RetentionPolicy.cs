using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>
/// Selects the ended workflows to delete, by age, number or both. Set at least one of <see cref="OlderThan"/> and <see cref="KeepNewest"/>;
/// with both, a workflow is deleted as soon as one of them selects it. Immutable; each property is checked when it is set.
/// </summary>
/// <remarks>
/// A workflow that has not ended is never deleted, nor is an ended parent while one of its children has not ended. An ended child stays
/// while its parent has not ended or can be resumed. A cancelled or dead-lettered parent is therefore deleted before its children, and
/// where a policy keeps the parent, the children stay. Exception: children of a parent that has since continued as new stay only while its
/// history names them. While a fork has not ended or can be resumed, the workflow it was forked from keeps its children. That holds through
/// any number of forks, and the forks between stay too. A workflow started in a queue with a rate limit stays for as long as it counts
/// there.
/// </remarks>
public sealed record RetentionPolicy
{
    private static readonly TimeSpan OldestMax = TimeSpan.FromDays(36_525);

    /// <summary>The least time since a workflow ended, on the database's clock, for it to be deleted.</summary>
    /// <value>Null by default: age does not count. Zero: all ended workflows.</value>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or longer than a hundred years.</exception>
    public TimeSpan? OlderThan
    {
        get;
        init => field = value < TimeSpan.Zero || value > OldestMax
            ? throw new ArgumentOutOfRangeException(nameof(OlderThan), value, "OlderThan is at least zero and at most a hundred years.")
            : value;
    }

    /// <summary>How many of the workflows that the policy covers are kept: those that ended last.</summary>
    /// <value>Null by default: the number does not count. Zero: none is kept.</value>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public long? KeepNewest
    {
        get;
        init => field = value < 0
            ? throw new ArgumentOutOfRangeException(nameof(KeepNewest), value, "KeepNewest is at least zero.")
            : value;
    }

    /// <summary>Restricts the policy to workflows of this definition, by name.</summary>
    /// <value>Null by default: any definition.</value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Name { get; init => field = value is null ? null : Names.CheckName(value, nameof(Name)); }

    /// <summary>Restricts the policy to workflows that ended in one of these states.</summary>
    /// <value>Null by default: any of the four. Not empty.</value>
    /// <exception cref="ArgumentException">A state is not one in which a workflow has ended, or the list is empty.</exception>
    public IReadOnlyList<WorkflowState>? States
    {
        get;
        init => field = value is null ? null : value.Count > 0 && value.All(state => state.IsTerminal())
            ? [.. value.Distinct()]
            : throw new ArgumentException("A policy names states in which workflows have ended, at least one.", nameof(States));
    }

    /// <exception cref="ArgumentException">Neither age nor number is set, so the policy would keep or delete everything.</exception>
    internal RetentionPolicy Checked(string parameter) => OlderThan is null && KeepNewest is null
        ? throw new ArgumentException(
            $"A policy says what is deleted: set {nameof(OlderThan)}, {nameof(KeepNewest)} or both.", parameter)
        : this;
}
