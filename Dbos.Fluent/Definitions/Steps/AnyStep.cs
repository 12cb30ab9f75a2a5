using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a race of steps. It takes the members' sequence numbers, then one of its own.</summary>
internal interface IAnyStep
{
    /// <summary>At least one.</summary>
    IReadOnlyList<Step> Members { get; }

    /// <summary>Copies the winner's outcome to the user's descriptor, which may be listed more than once.</summary>
    void CopyOutcomeOf(int winner);
}

/// <summary>A race of steps: the result is the index of the first to finish.</summary>
internal sealed class AnyStep(IReadOnlyList<Step> members) : GroupStep<int>(BuiltInNames.Any, members), IAnyStep
{
    // The user's descriptors: one of them may be several members, each with its own slot.
    private readonly Step[] listed = [.. members];

    // One number is for the row that records the winner.
    internal override int Slots => base.Slots + 1;

    // Once decided, the race has a row, which records its outcome and those of its members.
    internal override bool ClearUnrecorded(object run) => Succeeded || RecordedError is not null || base.ClearUnrecorded(run);

    public void CopyOutcomeOf(int winner) => listed[winner].CopyOutcomeFrom(Members[winner]);
}
