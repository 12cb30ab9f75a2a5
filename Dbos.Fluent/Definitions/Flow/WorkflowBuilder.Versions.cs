using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowBuilder<TIn, TOut>
{
    /// <summary>
    /// Changes the code without stranding running workflows: new runs take the new branch, and old histories the branch they took.
    /// </summary>
    /// <remarks>For the marker, see <see cref="Fluent.Step.Patch"/>.</remarks>
    /// <param name="name">Names the change. Not blank, at most 255 characters, no control characters.</param>
    /// <param name="patched">Continues the given empty builder with the new branch. It runs once, when the definition is built.</param>
    /// <param name="before">The same for the old branch; null, the default, if it was empty.</param>
    /// <returns>The definition so far. A result named in a branch can be read after it only where that branch ran.</returns>
    /// <exception cref="InvalidOperationException">A branch does not return a continuation of the builder it was given.</exception>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters, or a step's name in a branch is used by another step, possibly in the other
    /// branch.
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

    /// <summary>Ends this path and starts the workflow from the beginning under the same id.</summary>
    /// <remarks>See <see cref="Workflow.ContinueAsNew"/>.</remarks>
    /// <param name="input">Computes the input of the next generation from the state so far.</param>
    /// <returns>The definition so far; later parts of this path never run.</returns>
    /// <exception cref="InvalidOperationException">The call is in a branch of a <see cref="Parallel"/>.</exception>
    public WorkflowBuilder<TIn, TOut> ContinueAsNew(Func<FlowState<TIn>, TIn> input)
    {
        ArgumentNullException.ThrowIfNull(input);
        RefuseInParallel(nameof(ContinueAsNew));
        return new(Path.Add(new ContinueNode<TIn>(input)));
    }
}
