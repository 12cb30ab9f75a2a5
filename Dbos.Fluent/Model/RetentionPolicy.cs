using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>
/// Which ended workflows are deleted. At least one of <see cref="OlderThan"/> and <see cref="KeepNewest"/> is set; with both, a workflow
/// goes as soon as one of them says so. Immutable; checked when the property is set.
/// </summary>
/// <remarks>
/// Workflows that have not ended are never deleted, nor are ended parents of children that have not. Ended children stay while their parent
/// has not ended, or can be resumed: a cancelled or dead-lettered one goes before them, and where a policy keeps it they stay. But children
/// of a parent that has continued as new since stay only while its history names them. Where a fork has not ended or can be resumed, the
/// children of what it was forked from stay, through however many forks, and so do those forks; and whatever was started in a queue with a
/// rate limit stays for as long as it counts there.
/// </remarks>
public sealed record RetentionPolicy
{
    private static readonly TimeSpan OldestMax = TimeSpan.FromDays(36_525);

    /// <summary>How long ago a workflow has ended at least, on the database's clock.</summary>
    /// <value>Null by default: its age does not count. Zero: everything that has ended.</value>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or longer than a hundred years.</exception>
    public TimeSpan? OlderThan
    {
        get;
        init => field = value < TimeSpan.Zero || value > OldestMax
            ? throw new ArgumentOutOfRangeException(nameof(OlderThan), value, "OlderThan is at least zero and at most a hundred years.")
            : value;
    }

    /// <summary>How many of those that ended last are kept, among the workflows that the policy is about.</summary>
    /// <value>Null by default: their number does not count. Zero: none.</value>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public long? KeepNewest
    {
        get;
        init => field = value < 0
            ? throw new ArgumentOutOfRangeException(nameof(KeepNewest), value, "KeepNewest is at least zero.")
            : value;
    }

    /// <summary>Only workflows of this definition, by name.</summary>
    /// <value>Null by default: of any.</value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Name { get; init => field = value is null ? null : Names.CheckName(value, nameof(Name)); }

    /// <summary>Only workflows that ended in one of these states.</summary>
    /// <value>Null by default: in any of the four. Not empty.</value>
    /// <exception cref="ArgumentException">A state is none in which a workflow has ended, or the list is empty.</exception>
    public IReadOnlyList<WorkflowState>? States
    {
        get;
        init => field = value is null ? null : value.Count > 0 && value.All(state => state.IsTerminal())
            ? [.. value.Distinct()]
            : throw new ArgumentException("A policy names states in which workflows have ended, at least one.", nameof(States));
    }

    /// <exception cref="ArgumentException">Neither age nor number counts, which would keep or delete everything.</exception>
    internal RetentionPolicy Checked(string parameter) => OlderThan is null && KeepNewest is null
        ? throw new ArgumentException(
            $"A policy says what is deleted: set {nameof(OlderThan)}, {nameof(KeepNewest)} or both.", parameter)
        : this;
}
