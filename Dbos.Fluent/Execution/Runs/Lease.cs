namespace Dbos.Fluent.Execution;

/// <summary>
/// This process's own view of its lease. Its age is the larger of the elapsed monotonic and wall clock time, as the monotonic clock stops
/// while a machine is suspended. A process that slept past its lease must not begin a step that another process has begun already.
/// </summary>
internal sealed class Lease(TimeSpan length)
{
    private readonly Lock gate = new();
    private long renewedStamp = TimeProvider.System.GetTimestamp();
    private DateTimeOffset renewedAt = TimeProvider.System.GetUtcNow();
    private bool ended;
    private long term;

    public TimeSpan Length { get; } = length;

    /// <summary>Asks the lease loop for a renewal now; completes when the lease has been renewed.</summary>
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

    /// <summary>A number that changes when the lease is renewed after it had ended.</summary>
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

    /// <summary>True while the lease has not ended since this term: no other executor can have taken what was claimed since.</summary>
    public bool Holds(long since)
    {
        lock (gate)
        {
            return term == since && Lives();
        }
    }

    /// <summary>Records a successful renewal. The lease counts from when the renewal was sent, never from its answer.</summary>
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
    /// As <see cref="Renewed"/>, but only while the lease has not ended: nothing here looks for workflows taken away after its end.
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

    /// <summary>Ends the lease before its time, because the database no longer knows it.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
        }
    }

    /// <summary>Checks the lease before a step body starts, and renews it first if it has ended.</summary>
    public ValueTask EnsureAsync(CancellationToken cancellationToken) => IsAlive ? default : new ValueTask(RenewNow(cancellationToken));

    private bool Lives() => !ended && Elapsed() < Length;

    private TimeSpan Elapsed()
    {
        var monotonic = TimeProvider.System.GetElapsedTime(renewedStamp);
        var wall = TimeProvider.System.GetUtcNow() - renewedAt;
        return monotonic > wall ? monotonic : wall;
    }
}
