using System.Collections.Immutable;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowBuilder<TIn, TOut>
{
    /// <summary>Runs branches at once and goes on when all of them have ended.</summary>
    /// <remarks>
    /// Each branch's steps have sequence numbers of their own, whichever branch is faster, so a replay is the same; after a crash only the
    /// steps without a stored outcome run again. What comes after can read the results of all branches; a branch reads those of the steps
    /// before and its own. When a branch fails, the others' tokens are cancelled and they are awaited; the failure that is first in
    /// sequence order is the outcome.
    /// </remarks>
    /// <param name="branches">
    /// At least one: its name, as diagrams show it, and what continues the empty builder it is given. That runs once, when the definition
    /// is built. A branch may do nothing, and it may fail the workflow; it cannot end it with a result.
    /// </param>
    /// <returns>The definition so far.</returns>
    /// <exception cref="ArgumentException">
    /// There is no branch; a branch's name is blank, too long, given twice, or holds control characters; a step's name is taken by another
    /// step, also by one in another branch.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// A branch ends the workflow with a result, or it returns something else than the builder it was given, continued.
    /// </exception>
    public WorkflowBuilder<TIn, TOut> Parallel(
        params (string Name, Func<WorkflowBuilder<TIn, TOut>, WorkflowBuilder<TIn, TOut>> Branch)[] branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        if (branches.Length == 0)
        {
            throw new ArgumentException("Parallel was given no branch: give at least one.", nameof(branches));
        }

        HashSet<string> taken = new(StringComparer.Ordinal);
        var built = ImmutableArray.CreateBuilder<FlowBranch<TIn>>(branches.Length);
        var path = Path;
        foreach (var (name, build) in branches)
        {
            Names.CheckName(name, nameof(branches));
            ArgumentNullException.ThrowIfNull(build);
            if (!taken.Add(name))
            {
                throw new ArgumentException(
                    $"A Parallel of workflow '{Path.WorkflowName}' has two branches '{name}': name each differently.", nameof(branches));
            }

            var branch = Branch(path with { ParallelBranch = name }, build);
            built.Add(new FlowBranch<TIn>(name, branch.ToParts()));
            path = Path.After(branch);
        }

        return new(path.Add(new ParallelNode<TIn>(built.MoveToImmutable())));
    }

    private void RefuseInParallel(string what)
    {
        if (Path.ParallelBranch is { } branch)
        {
            throw new InvalidOperationException(
                $"{what} stands in branch '{branch}' of a Parallel of workflow '{Path.WorkflowName}', where others still run: "
                + "decide in the branch, name what it decided, and return after the Parallel.");
        }
    }
}
