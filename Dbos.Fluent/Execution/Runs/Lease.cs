namespace Dbos.Fluent.Execution;

/// <summary>
/// This process's own view of its lease. It measures by the larger of the monotonic and the wall clock's elapsed time, as the monotonic
/// clock stands still while a machine is suspended; a process that slept past its lease must not begin a step that another one has begun
/// already.
/// </summary>
internal sealed class Lease(TimeSpan length)
{
    private readonly Lock gate = new();
    private long renewedStamp = TimeProvider.System.GetTimestamp();
    private DateTimeOffset renewedAt = TimeProvider.System.GetUtcNow();
    private bool ended;
    private long term;

    public TimeSpan Length { get; } = length;

    /// <summary>Asks the lease loop for a renewal now; completes when there has been one.</summary>
    public Func<CancellationToken, Task> RenewNow { get; set; } = _ => Task.CompletedTask;

    public bool IsAlive
    {
        get
        {
            lock (gate)
            {
                return Lives();
            }
        }
    }

    /// <summary>A number that changes whenever the lease had ended before it was renewed.</summary>
    public long Term
    {
        get
        {
            lock (gate)
            {
                return term;
            }
        }
    }

    /// <summary>True while the lease has never ended since its term was this: nobody can have taken what was claimed since then.</summary>
    public bool Holds(long since)
    {
        lock (gate)
        {
            return term == since && Lives();
        }
    }

    /// <summary>A renewal succeeded that was sent at these moments: the lease counts from the sending, never from the answer.</summary>
    public void Renewed(long sentStamp, DateTimeOffset sentAt)
    {
        lock (gate)
        {
            term += Lives() ? 0 : 1;
            (renewedStamp, renewedAt, ended) = (sentStamp, sentAt, false);
        }
    }

    /// <summary>How long ago the last renewal was sent.</summary>
    public TimeSpan Age
    {
        get
        {
            lock (gate)
            {
                return Elapsed();
            }
        }
    }

    /// <summary>
    /// As <see cref="Renewed"/>, but only while the lease has not ended: what was taken away afterwards is not looked for here.
    /// </summary>
    public void Prolong(long sentStamp, DateTimeOffset sentAt)
    {
        lock (gate)
        {
            if (Lives())
            {
                (renewedStamp, renewedAt) = (sentStamp, sentAt);
            }
        }
    }

    /// <summary>The database no longer knows of the lease: it is over before its time.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
        }
    }

    /// <summary>Looks at the lease before a step body starts, and renews it first if it is over.</summary>
    public ValueTask EnsureAsync(CancellationToken cancellationToken) => IsAlive ? default : new ValueTask(RenewNow(cancellationToken));

    private bool Lives() => !ended && Elapsed() < Length;

    private TimeSpan Elapsed()
    {
        var monotonic = TimeProvider.System.GetElapsedTime(renewedStamp);
        var wall = TimeProvider.System.GetUtcNow() - renewedAt;
        return monotonic > wall ? monotonic : wall;
    }
}
