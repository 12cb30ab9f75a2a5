using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Concurrent branches of a fluent definition.</summary>
/// <remarks>
/// With <c>k</c> branches, slot <c>j</c> of branch <c>i</c> is <c>base + i + k·j</c>. The next step begins after the highest number used,
/// which is known only when all branches have ended.
/// </remarks>
internal interface IParallelStep
{
    IReadOnlyList<ParallelBranch> Branches { get; }

    /// <summary>Set by execution when the branches have ended: the range of numbers that they used.</summary>
    int SlotsTaken { set; }
}

/// <summary>One branch of one run.</summary>
/// <param name="Name">The branch's name in messages.</param>
/// <param name="Open">
/// Opens the branch's body with its own context, whose clock and random numbers no sibling moves. So a replay sees the same values
/// whichever branch was faster.
/// </param>
internal sealed record ParallelBranch(string Name, Func<WorkflowContext, IWorkflowBody> Open);

/// <summary>Runs branches concurrently. It has no row of its own: the steps of the branches have theirs.</summary>
internal sealed class ParallelStep(IReadOnlyList<ParallelBranch> branches) : Step<Unit>(BuiltInNames.Parallel), IParallelStep
{
    public IReadOnlyList<ParallelBranch> Branches { get; } = branches;

    public int SlotsTaken { private get; set; }

    // Known only when the branches have ended; zero before.
    internal override int Slots => SlotsTaken;
}
