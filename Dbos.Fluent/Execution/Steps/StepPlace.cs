namespace Dbos.Fluent.Execution;

/// <summary>The place of a step in its run.</summary>
/// <param name="Slots">Its sequence numbers.</param>
/// <param name="Signal">Tells the step to stop: the run's own signal, or that of its group.</param>
/// <param name="Facts">What the context of the code that yielded the step shows: the run's facts, or a branch's own.</param>
/// <param name="Race">The member of an <c>Any</c> that the step is, or is part of; null outside of an <c>Any</c>.</param>
/// <param name="Restored">Where the step's branch meets the others before anything new begins; null outside of branches.</param>
/// <param name="SettledAtMs">When the step's group failed or its race was won, if that is recorded; null otherwise.</param>
internal readonly record struct StepPlace(
    Slots Slots,
    CancelSignal Signal,
    RunFacts Facts,
    RaceMember? Race = null,
    RestoredMeeting.Arrival? Restored = null,
    long? SettledAtMs = null)
{
    /// <summary>The sleeps of the step's group; null outside of groups.</summary>
    public GroupSleeps? Sleeps { get; init; }

    /// <summary>
    /// True in a group that has lost its race or has failed. Its stored results stay valid, and the code may read them or not. One that
    /// cannot be decoded ends the workflow only if it is read.
    /// </summary>
    public bool IsDecided { get; init; }

    /// <summary>True if only the workflow's end follows the step: its outcome may be stored with the workflow's.</summary>
    public bool IsLast { get; init; }

    /// <summary>Called when a sleep is over: the code that continues has seen its end, in a group only if the group succeeds.</summary>
    public void Woke(long? wakeAtMs)
    {
        if (Sleeps is not null)
        {
            Sleeps.Woke(wakeAtMs);
        }
        else
        {
            Facts.Saw(wakeAtMs);
        }
    }

    /// <summary>The place of a part of the step; the part does not finish the step.</summary>
    public StepPlace Part(Slots slots, CancelSignal? signal = null) =>
        this with { Slots = slots, Signal = signal ?? Signal, Race = Race?.Part(), IsLast = false };
}
