using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>How one workflow is started. Immutable; checked when the property is set.</summary>
public sealed record StartOptions
{
    private static readonly TimeSpan DelayMax = TimeSpan.FromDays(36_525);

    /// <summary>The workflow's id, which is also its idempotency key.</summary>
    /// <value>Null by default: a new id is made. Not blank, at most 255 characters, no control characters.</value>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public string? Id
    {
        get;
        init => field = value is null ? null : Names.CheckId(value, nameof(Id));
    }

    /// <summary>What happens when <see cref="Id"/> is in use.</summary>
    /// <value><see cref="IdReuse.ReturnExisting"/> by default.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the enumeration.</exception>
    public IdReuse IdReuse
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(IdReuse), value, "IdReuse is ReturnExisting or Reject.");
    }

    /// <summary>The queue it waits in until it may run; a <see cref="WorkflowQueue"/> converts to its name.</summary>
    /// <value>
    /// Null by default: an engine's <c>StartAsync</c>, and a parent's step, start it at once, in this process; a client,
    /// <c>StartManyAsync</c> and <c>StartInTransactionAsync</c> put it into the internal queue, which has no limits. The limits are those
    /// that the queue was registered with; an unregistered queue is accepted, and its workflows wait.
    /// </value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Queue
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(Queue));
    }

    /// <summary>Its place in the queue: lower numbers first, and among equals the older first. Children do not inherit it.</summary>
    /// <value>0 by default, which is before all others. Needs a <see cref="Queue"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public int Priority
    {
        get;
        init => field = value < 0
            ? throw new ArgumentOutOfRangeException(nameof(Priority), value, "Priority is at least 0, which comes first.")
            : value;
    }

    /// <summary>Keeps a second workflow with the same deduplication id out of the queue until this one has ended.</summary>
    /// <value>
    /// Null by default: none. Needs a <see cref="Queue"/>. It is not the id: once the workflow has ended another may be started under it.
    /// </value>
    /// <exception cref="ArgumentException">The text is blank, too long or holds control characters.</exception>
    public string? DeduplicationId
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(DeduplicationId));
    }

    /// <summary>What happens when another workflow of the queue holds the <see cref="DeduplicationId"/>.</summary>
    /// <value><see cref="DeduplicationPolicy.Reject"/> by default.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the enumeration.</exception>
    public DeduplicationPolicy DeduplicationPolicy
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(DeduplicationPolicy), value, "DeduplicationPolicy is Reject or ReturnExisting.");
    }

    /// <summary>Its partition of a queue with a limit for each partition, such as the customer it is for.</summary>
    /// <value>Null by default: none. Every start on a partitioned queue needs one, and no other start may have one.</value>
    /// <exception cref="ArgumentException">The text is blank, too long or holds control characters.</exception>
    public string? PartitionKey
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(PartitionKey));
    }

    /// <summary>How long it is held back before it enters its queue, on the database's clock; without a queue, before it starts.</summary>
    /// <value>Null by default: not at all. From zero to a hundred years; fractions of a millisecond are rounded up.</value>
    /// <exception cref="ArgumentOutOfRangeException">The delay is out of its range.</exception>
    public TimeSpan? Delay
    {
        get;
        init => field = value is { } delay ? CheckDelay(delay, nameof(Delay)) : null;
    }

    /// <summary>Notes on the workflow, for lists and filters. Neither runs nor limits depend on them.</summary>
    /// <value>Null by default: nothing. Texts, numbers, booleans and nulls.</value>
    public IReadOnlyDictionary<string, object?>? Attributes { get; init; }

    /// <summary>
    /// Time from when an engine first takes it up to its end; then the workflow is cancelled with
    /// <see cref="CancellationReason.DeadlineExceeded"/>, within some two seconds, by whatever engine of its application. What it waits in
    /// its queue, and a <see cref="Delay"/>, do not count.
    /// </summary>
    /// <value>
    /// Null by default: a child inherits its parent's deadline, any other workflow has none.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> detaches a child from its parent's deadline.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is zero or negative and not infinite.</exception>
    public TimeSpan? Timeout
    {
        get;
        init => field = value is { } timeout && timeout != System.Threading.Timeout.InfiniteTimeSpan && timeout <= TimeSpan.Zero
            ? throw new ArgumentOutOfRangeException(nameof(Timeout), value, "Timeout must be longer than zero, or infinite.")
            : value;
    }

    /// <summary>The application version that must run it; it waits for an engine of that one where this is another.</summary>
    /// <value>
    /// Null by default: an engine that has the definition registered stamps its own version; a client, and an engine that has not, leave it
    /// open, and an engine of the latest version takes it.
    /// </value>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    public string? ApplicationVersion
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(ApplicationVersion));
    }

    /// <summary>How the input and all that follows from it is stored.</summary>
    /// <value>Null by default: the definition's own format; portable JSON where it is enqueued by name.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the enumeration.</exception>
    public PayloadFormat? Format
    {
        get;
        init => field = value is null || Enum.IsDefined(value.Value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Format), value, "Format is MessagePack or PortableJson.");
    }

    /// <summary>Checks a delay and returns it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative or longer than a hundred years.</exception>
    internal static TimeSpan CheckDelay(TimeSpan delay, string parameter) => delay < TimeSpan.Zero || delay > DelayMax
        ? throw new ArgumentOutOfRangeException(parameter, delay, "A delay lasts from zero to a hundred years.")
        : delay;
}
