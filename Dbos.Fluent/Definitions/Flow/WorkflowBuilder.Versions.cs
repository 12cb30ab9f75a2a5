using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowBuilder<TIn, TOut>
{
    /// <summary>Changes the code without stranding what runs: new runs go the new way, and old histories the way they went.</summary>
    /// <remarks>What <see cref="Fluent.Step.Patch"/> says of the marker holds.</remarks>
    /// <param name="name">Names the change. Not blank, at most 255 characters, no control characters.</param>
    /// <param name="patched">
    /// Continues the empty builder it is given with the new way. It runs once, when the definition is built.
    /// </param>
    /// <param name="before">The same for the old way; null, the default, where there was nothing.</param>
    /// <returns>The definition so far. A result named in a branch can be read after it only where that branch ran.</returns>
    /// <exception cref="InvalidOperationException">A branch returns something else than the builder it was given, continued.</exception>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters, or a step's name in a branch is taken by another step, also by one in the
    /// other branch.
    /// </exception>
    public WorkflowBuilder<TIn, TOut> Patch(
        string name,
        Func<WorkflowBuilder<TIn, TOut>, WorkflowBuilder<TIn, TOut>> patched,
        Func<WorkflowBuilder<TIn, TOut>, WorkflowBuilder<TIn, TOut>>? before = null)
    {
        Names.CheckName(name, nameof(name));
        ArgumentNullException.ThrowIfNull(patched);
        var now = Branch(Path, patched);
        var then = before is null ? Path.After(now).Branch() : Branch(Path.After(now), before);
        return new(Path.After(then).Add(new PatchNode<TIn>(name, now.ToParts(), then.ToParts())));
    }

    /// <summary>Ends this path by starting the workflow afresh under the same id.</summary>
    /// <remarks>What <see cref="Workflow.ContinueAsNew"/> says holds.</remarks>
    /// <param name="input">Computes the input of the next generation from what is known so far.</param>
    /// <returns>The definition so far; what follows on this path never runs.</returns>
    /// <exception cref="InvalidOperationException">It stands in a branch of a <see cref="Parallel"/>.</exception>
    public WorkflowBuilder<TIn, TOut> ContinueAsNew(Func<FlowState<TIn>, TIn> input)
    {
        ArgumentNullException.ThrowIfNull(input);
        RefuseInParallel(nameof(ContinueAsNew));
        return new(Path.Add(new ContinueNode<TIn>(input)));
    }
}
