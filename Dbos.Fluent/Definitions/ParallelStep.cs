using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Branches that run at once. It has no row of its own: the steps of the branches have theirs.</summary>
internal sealed class ParallelStep(IReadOnlyList<ParallelBranch> branches) : Step<Unit>(BuiltInNames.Parallel), IParallelStep
{
    public IReadOnlyList<ParallelBranch> Branches { get; } = branches;

    public int SlotsTaken { private get; set; }

    // Known only when the branches have ended: none before.
    internal override int Slots => SlotsTaken;
}
