using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>How one workflow is started. Immutable; checked when the property is set.</summary>
public sealed record StartOptions
{
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
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the enumeration's.</exception>
    public IdReuse IdReuse
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "IdReuse is ReturnExisting or Reject.");
    }

    /// <summary>Time from start to end; then the workflow is cancelled with <see cref="CancellationReason.DeadlineExceeded"/>.</summary>
    /// <value>
    /// Null by default: a child inherits its parent's deadline, any other workflow has none.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> detaches a child from its parent's deadline.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is zero or negative and not infinite.</exception>
    public TimeSpan? Timeout
    {
        get;
        init => field = value is { } timeout && timeout != System.Threading.Timeout.InfiniteTimeSpan && timeout <= TimeSpan.Zero
            ? throw new ArgumentOutOfRangeException(nameof(value), value, "Timeout must be longer than zero, or infinite.")
            : value;
    }

    /// <summary>The application version that must run it.</summary>
    /// <value>Null by default: an engine stamps its own, a client leaves it open.</value>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    public string? ApplicationVersion
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(ApplicationVersion));
    }

    /// <summary>How the input and all that follows from it is stored.</summary>
    /// <value>Null by default: the definition's own format.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the enumeration's.</exception>
    public PayloadFormat? Format
    {
        get;
        init => field = value is null || Enum.IsDefined(value.Value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Format is MessagePack or PortableJson.");
    }
}
