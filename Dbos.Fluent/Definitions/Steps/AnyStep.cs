using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>What execution needs of steps of which the first to finish counts: the members' numbers, then one of its own.</summary>
internal interface IAnyStep
{
    /// <summary>At least one.</summary>
    IReadOnlyList<Step> Members { get; }

    /// <summary>Copies the winner's outcome to the user's own descriptor, which may be listed more than once.</summary>
    void CopyOutcomeOf(int winner);
}

/// <summary>Steps of which the first to finish counts; the result is its index.</summary>
internal sealed class AnyStep(IReadOnlyList<Step> members) : GroupStep<int>(BuiltInNames.Any, members), IAnyStep
{
    // The user's own descriptors: one of them may be several members, each of which has a slot of its own.
    private readonly Step[] listed = [.. members];

    // One for the row that records which of them won.
    internal override int Slots => base.Slots + 1;

    // Once decided, it has a row, which records its outcome and those of its members.
    internal override bool ClearUnrecorded(object run) => Succeeded || RecordedError is not null || base.ClearUnrecorded(run);

    public void CopyOutcomeOf(int winner) => listed[winner].CopyOutcomeFrom(Members[winner]);
}
