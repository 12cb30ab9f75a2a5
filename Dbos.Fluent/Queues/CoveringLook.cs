namespace Dbos.Fluent.Queues;

/// <summary>
/// Whether all that is parked is to be looked through. Asked for once, it is due at once. That some workflows have ended, without a name,
/// is told again and again by a peer that is busy: then looks are so far apart that they take a fifth of the time at most.
/// </summary>
/// <remarks>Used by its owner under a lock.</remarks>
internal sealed class CoveringLook
{
    private const int ShareOfTime = 4;
    private static readonly TimeSpan RestMin = TimeSpan.FromMilliseconds(100);

    private bool asked = true;
    private bool someEnded;
    private long restsFrom;
    private TimeSpan rest = TimeSpan.Zero;

    /// <summary>True where one is to begin now.</summary>
    public bool IsDue => asked || (someEnded && Left == TimeSpan.Zero);

    /// <summary>How long until one is due; infinite where none is to come.</summary>
    public TimeSpan DueIn => asked ? TimeSpan.Zero : someEnded ? Left : Timeout.InfiniteTimeSpan;

    public void Ask() => asked = true;

    public void SomeEnded() => someEnded = true;

    /// <summary>Takes up what is due.</summary>
    /// <returns>False where nothing is.</returns>
    public bool Take()
    {
        if (!IsDue)
        {
            return false;
        }

        (asked, someEnded) = (false, false);
        return true;
    }

    /// <summary>A look has ended that took so long.</summary>
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
