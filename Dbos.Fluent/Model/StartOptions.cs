using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>How one workflow is started. Immutable; each property is checked when it is set.</summary>
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

    /// <summary>The queue in which the workflow waits until it may run; a <see cref="WorkflowQueue"/> converts to its name.</summary>
    /// <value>
    /// Null by default: an engine's <c>StartAsync</c>, and a parent's step, start the workflow at once, in this process. A client,
    /// <c>StartManyAsync</c> and <c>StartInTransactionAsync</c> put it into the internal queue, which has no limits. The limits are those
    /// that the queue was registered with. An unregistered queue is accepted, and its workflows wait.
    /// </value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Queue
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(Queue));
    }

    /// <summary>
    /// The workflow's place in the queue: lower numbers first, and the older first among equals. Children do not inherit it.
    /// </summary>
    /// <value>0 by default, which comes before all others. Needs a <see cref="Queue"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public int Priority
    {
        get;
        init => field = value < 0
            ? throw new ArgumentOutOfRangeException(nameof(Priority), value, "Priority is at least 0, which comes first.")
            : value;
    }

    /// <summary>Keeps a second workflow with the same deduplication id out of the queue until this one has ended.</summary>
    /// <value>Null by default: none. Needs a <see cref="Queue"/>. Unlike the id, it is free again once the workflow has ended.</value>
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

    /// <summary>The workflow's partition of a queue with limits for each partition, such as a customer.</summary>
    /// <value>Null by default: none. Every start on a partitioned queue needs one, and no other start may have one.</value>
    /// <exception cref="ArgumentException">The text is blank, too long or holds control characters.</exception>
    public string? PartitionKey
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(PartitionKey));
    }

    /// <summary>
    /// How long the workflow is delayed before it enters its queue, or before it starts if it has none, on the database's clock.
    /// </summary>
    /// <value>Null by default: no delay. From zero to a hundred years; fractions of a millisecond are rounded up.</value>
    /// <exception cref="ArgumentOutOfRangeException">The delay is out of its range.</exception>
    public TimeSpan? Delay
    {
        get;
        init => field = value is { } delay ? CheckDelay(delay, nameof(Delay)) : null;
    }

    /// <summary>Notes on the workflow, for lists and filters. They affect neither runs nor limits.</summary>
    /// <value>Null by default: none. Values are texts, numbers, booleans and nulls.</value>
    public IReadOnlyDictionary<string, object?>? Attributes { get; init; }

    /// <summary>
    /// The time allowed from when an engine first takes the workflow up to its end. After that, any engine of its application cancels it
    /// with <see cref="CancellationReason.DeadlineExceeded"/>, within about two seconds. Time spent in its queue, and a
    /// <see cref="Delay"/>, do not count.
    /// </summary>
    /// <value>
    /// Null by default: a child inherits its parent's deadline, and any other workflow has none.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> detaches a child from its parent's deadline.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is zero, or negative and not infinite.</exception>
    public TimeSpan? Timeout
    {
        get;
        init => field = value is { } timeout && timeout != System.Threading.Timeout.InfiniteTimeSpan && timeout <= TimeSpan.Zero
            ? throw new ArgumentOutOfRangeException(nameof(Timeout), value, "Timeout must be longer than zero, or infinite.")
            : value;
    }

    /// <summary>The application version that must run the workflow; it waits for an engine of that version.</summary>
    /// <value>
    /// Null by default: an engine with the definition registered binds the workflow to its own version. A client, and an engine without the
    /// definition, leave it unbound, and an engine of the latest version takes it.
    /// </value>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    public string? ApplicationVersion
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(ApplicationVersion));
    }

    /// <summary>How the input is stored, and with it the output, error, events and streams.</summary>
    /// <value>Null by default: the definition's own format, or portable JSON where the workflow is enqueued by name.</value>
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
