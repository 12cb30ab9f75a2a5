namespace Dbos.Fluent.Execution;

/// <summary>Where a step stands in its run.</summary>
/// <param name="Slots">Its sequence numbers.</param>
/// <param name="Signal">Tells it to stop: the run's own signal, or that of the group it belongs to.</param>
/// <param name="Facts">What the context of the code that yielded it shows: the run's, or a branch's own.</param>
/// <param name="Race">The member of an <c>Any</c> that it is, or is part of; null outside of any.</param>
/// <param name="Restored">Where the branch it stands in meets the others before anything new begins; null outside of branches.</param>
/// <param name="SettledAtMs">
/// When what it belongs to was settled, its group failed or its race won, where that is recorded; null otherwise.
/// </param>
internal readonly record struct StepPlace(
    Slots Slots,
    CancelSignal Signal,
    RunFacts Facts,
    RaceMember? Race = null,
    RestoredMeeting.Arrival? Restored = null,
    long? SettledAtMs = null)
{
    /// <summary>The sleeps of the group that it belongs to; null outside of groups.</summary>
    public GroupSleeps? Sleeps { get; init; }

    /// <summary>
    /// True in a group that has lost its race or has failed. What is stored of it stands, and may be read or not: what cannot be decoded
    /// ends the workflow only where it is read.
    /// </summary>
    public bool IsDecided { get; init; }

    /// <summary>True where only the workflow's end follows the step: what it has done may be stored with the workflow's outcome.</summary>
    public bool IsLast { get; init; }

    /// <summary>A sleep is over: the code that goes on has seen its end, of a group where that has succeeded.</summary>
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

    /// <summary>The place of a part of the step, which does not finish it.</summary>
    public StepPlace Part(Slots slots, CancelSignal? signal = null) =>
        this with { Slots = slots, Signal = signal ?? Signal, Race = Race?.Part(), IsLast = false };
}
