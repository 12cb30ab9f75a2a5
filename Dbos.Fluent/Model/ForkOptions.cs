using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>How a fork differs from its source, the workflow it is made from. Immutable; each property is checked when it is set.</summary>
public sealed record ForkOptions
{
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromDays(36_525);

    /// <summary>The fork's id.</summary>
    /// <value>Null by default: a new id is made.</value>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public string? Id { get; init => field = value is null ? null : Names.CheckId(value, nameof(Id)); }

    /// <summary>The application version that the fork is bound to: an engine of that version runs it.</summary>
    /// <value>Null by default: the version of its source.</value>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    public string? ApplicationVersion
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(ApplicationVersion));
    }

    /// <summary>The queue it enters. An unregistered queue is accepted, and its workflows wait.</summary>
    /// <value>Null by default: the internal queue, which has no limits.</value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Queue { get; init => field = value is null ? null : Names.CheckName(value, nameof(Queue)); }

    /// <summary>Its partition of the queue. Needs a <see cref="Queue"/> that has limits for partitions.</summary>
    /// <value>Null by default: none.</value>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public string? PartitionKey { get; init => field = value is null ? null : Names.CheckName(value, nameof(PartitionKey)); }

    /// <summary>How long the fork may take, from when an engine takes it up. It does not inherit the timeout of its source.</summary>
    /// <value>Null by default: no limit.</value>
    /// <exception cref="ArgumentOutOfRangeException">The time is zero, negative or longer than a hundred years.</exception>
    public TimeSpan? Timeout
    {
        get;
        init => field = value <= TimeSpan.Zero || value > TimeoutMax
            ? throw new ArgumentOutOfRangeException(nameof(Timeout), value, "A timeout is longer than zero, at most a hundred years.")
            : value;
    }

    /// <summary>
    /// Replacements for children in the copied history: the old child's id, and the new child's. A step after the copied part that waits
    /// for an old child then waits for the new one.
    /// </summary>
    /// <value>Null by default: none.</value>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters.</exception>
    public IReadOnlyDictionary<string, string>? ReplacedChildren
    {
        get;
        init => field = value?.ToDictionary(
            pair => Names.CheckId(pair.Key, nameof(ReplacedChildren)),
            pair => Names.CheckId(pair.Value, nameof(ReplacedChildren)),
            StringComparer.Ordinal);
    }
}
