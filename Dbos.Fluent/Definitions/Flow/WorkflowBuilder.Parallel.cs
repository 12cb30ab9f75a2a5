using System.Collections.Immutable;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowBuilder<TIn, TOut>
{
    /// <summary>Runs branches concurrently and continues when all of them have ended.</summary>
    /// <remarks>
    /// Each branch's steps have their own sequence numbers, whichever branch is faster, so a replay is the same. After a crash only the
    /// steps without a stored outcome run again. Later parts can read the results of all branches; a branch can read those of earlier steps
    /// and its own. When a branch fails, the others' tokens are cancelled and the step waits for them; the outcome is the failure that is
    /// first in sequence order.
    /// </remarks>
    /// <param name="branches">
    /// At least one branch: its name, as diagrams show it, and a function that continues the given empty builder. It runs once, when the
    /// definition is built. A branch may be empty, and it may fail the workflow; it cannot end it with a result.
    /// </param>
    /// <returns>The definition so far.</returns>
    /// <exception cref="ArgumentException">
    /// There is no branch; a branch's name is blank, too long, given twice, or holds control characters; or a step's name is used by
    /// another step, possibly in another branch.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// A branch ends the workflow with a result, or does not return a continuation of the builder it was given.
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
