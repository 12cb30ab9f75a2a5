using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>What execution needs of a step that starts several children, one number each.</summary>
internal interface IStartManyStep
{
    WorkflowDefinition Definition { get; }

    IReadOnlyList<(object? Input, StartOptions Options)> Starts { get; }

    void CompleteWithHandles(IReadOnlyList<string> workflowIds, IWorkflowOutcomes outcomes);
}

/// <summary>What execution needs of a step that waits for the first of several workflows to end (<c>DBOS.waitFirst</c>).</summary>
/// <remarks>Its result is the winner's index in the list; what is stored is the winner's id.</remarks>
internal interface IAwaitAnyStep
{
    /// <summary>At least one.</summary>
    IReadOnlyList<string> WorkflowIds { get; }
}

/// <summary>What execution needs of steps of which the first to finish counts: the members' numbers, then one of its own.</summary>
internal interface IAnyStep
{
    /// <summary>At least one.</summary>
    IReadOnlyList<Step> Members { get; }

    /// <summary>Copies the winner's outcome to the user's own descriptor, which may be listed more than once.</summary>
    void CopyOutcomeOf(int winner);
}

/// <summary>What execution needs of a step that can be undone.</summary>
internal interface ICompensableStep
{
    /// <summary>Undoes the step, given its decoded result; null where nothing is to be undone.</summary>
    Func<StepContext, object?, Task>? Undo { get; }
}

/// <summary>Branches of a fluent definition that run at once.</summary>
/// <remarks>
/// With <c>k</c> branches, slot <c>j</c> of branch <c>i</c> is <c>base + i + k·j</c>; what follows begins after the highest number used,
/// which is known only when all have ended.
/// </remarks>
internal interface IParallelStep
{
    IReadOnlyList<ParallelBranch> Branches { get; }

    /// <summary>Set by execution when the branches have ended: how far the numbers go that they used.</summary>
    int SlotsTaken { set; }
}

/// <summary>One branch of one run.</summary>
/// <param name="Name">Its name in messages.</param>
/// <param name="Open">
/// Opens its body with a context of its own, whose clock and random numbers no sibling moves. So a replay sees the same values whichever
/// branch was faster.
/// </param>
internal sealed record ParallelBranch(string Name, Func<WorkflowContext, IWorkflowBody> Open);
