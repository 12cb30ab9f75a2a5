using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>Says by the history which steps have ended, and which groups have failed.</summary>
internal sealed class RecordedEnds(RunScope run)
{
    /// <summary>Whether a step needs only the history. False is safe: the step then finds out by itself.</summary>
    public bool IsRecorded(Step step, Slots slots) => step switch
    {
        IParallelStep => false,
        SleepStep => IsOver(slots.First),
        IAnyStep => run.History.At(slots[step.Slots - 1]) is not null,
        IAllStep all => FailedAt(all, slots) is not null || MembersOf(all, slots).All(member => IsRecorded(member.Step, member.Slots)),
        ICallStep or IStartManyStep => Enumerable.Range(0, step.Slots).All(i => run.History.At(slots[i]) is not null),
        _ => run.History.At(slots.First) is not null,
    };

    /// <summary>When the first recorded failure that fails a group completed; null if none is recorded.</summary>
    public long? FailedAt(IAllStep all, Slots slots)
    {
        var members = MembersOf(all, slots);
        return members.Min(member => member.Step.Tolerant ? null : FailedAt(member.Step, member.Slots)) ?? ToleratedAt(all, slots, members);
    }

    // A group with a list of results also fails by a tolerant member, once all members have ended.
    private long? ToleratedAt(IAllStep all, Slots slots, (Step Step, Slots Slots)[] members) =>
        all.NeedsEachResult
        && Array.Exists(members, member => member.Step.Tolerant && FailedAt(member.Step, member.Slots) is not null)
        && Array.TrueForAll(members, member => IsRecorded(member.Step, member.Slots))
            ? Enumerable.Range(0, all.Members.Sum(member => member.Slots)).Max(i => run.History.At(slots[i])?.CompletedAtMs)
            : null;

    private long? FailedAt(Step step, Slots slots) => step switch
    {
        IAllStep group => FailedAt(group, slots),

        // Of a race, only the winner's failure counts, and only if the winner is not tolerant.
        IAnyStep race => AnyExecution.Winner(race, run.History.At(slots[step.Slots - 1])) is { } winner && !race.Members[winner].Tolerant
            ? FailedAt(race.Members[winner], slots.From(Slots.FirstNumbers(race.Members)[winner]))
            : null,
        IValueStep or IAwaitStep => FailedAt(slots, step.Slots) ?? UndecodableAt(step, slots.First),
        ICallStep => FailedAt(slots, step.Slots) ?? UndecodableAt(step, slots[1]),
        _ => FailedAt(slots, step.Slots),
    };

    private long? FailedAt(Slots slots, int count) => Enumerable.Range(0, count)
        .Select(i => run.History.At(slots[i]))
        .Min(row => row?.Error is null ? null : row.CompletedAtMs ?? long.MaxValue);

    // A value from others is recorded as it was given. If it cannot be decoded, no row shows that the member failed.
    private long? UndecodableAt(Step step, int sequence) =>
        run.History.At(sequence) is { } row && ValueSteps.IsUndecodable(run, step, row) ? row.CompletedAtMs ?? long.MaxValue : null;

    // The row says when the sleep ends, not that it did.
    private bool IsOver(int sequence) =>
        run.History.At(sequence) is { Output: not null } row && WaitMarker.Read(row) <= run.Environment.Clock.NowMs;

    private static (Step Step, Slots Slots)[] MembersOf(IAllStep all, Slots slots) =>
        [.. all.Members.Zip(Slots.FirstNumbers(all.Members), (member, first) => (member, slots.From(first)))];
}
