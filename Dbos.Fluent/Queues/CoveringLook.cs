namespace Dbos.Fluent.Queues;

/// <summary>Decides when to look through all parked workflows.</summary>
/// <remarks>
/// A look that is asked for is due at once. A busy peer reports again and again, without names, that some workflows have ended. Looks for
/// that reason are spaced so that they take at most a fifth of the time. The owner uses this class under a lock.
/// </remarks>
internal sealed class CoveringLook
{
    private const int ShareOfTime = 4;
    private static readonly TimeSpan RestMin = TimeSpan.FromMilliseconds(100);

    private bool asked = true;
    private bool someEnded;
    private long restsFrom;
    private TimeSpan rest = TimeSpan.Zero;

    /// <summary>True if a look should begin now.</summary>
    public bool IsDue => asked || (someEnded && Left == TimeSpan.Zero);

    /// <summary>The time until the next look is due; infinite if no look is planned.</summary>
    public TimeSpan DueIn => asked ? TimeSpan.Zero : someEnded ? Left : Timeout.InfiniteTimeSpan;

    public void Ask() => asked = true;

    public void SomeEnded() => someEnded = true;

    /// <summary>Takes a look that is due, so that the caller performs it.</summary>
    /// <returns>False if no look is due.</returns>
    public bool Take()
    {
        if (!IsDue)
        {
            return false;
        }

        (asked, someEnded) = (false, false);
        return true;
    }

    /// <summary>Records how long a look took.</summary>
    public void Took(TimeSpan taken) =>
        (restsFrom, rest) = (TimeProvider.System.GetTimestamp(), taken * ShareOfTime > RestMin ? taken * ShareOfTime : RestMin);

    private TimeSpan Left
    {
        get
        {
            var left = rest - TimeProvider.System.GetElapsedTime(restsFrom);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }
}
