using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Runs steps of one result type concurrently and returns their results in the order listed.</summary>
    /// <remarks>
    /// Sequence numbers follow the order listed, never the order of completion, so a replay is the same whatever finished first. After a
    /// crash only the members without a stored outcome run again. When a member fails, the others' tokens are cancelled and the group waits
    /// for them; the outcome is the failure that is first in sequence order. After a group has failed, the results of members that had
    /// finished can be read; a sleep among them has none.
    /// </remarks>
    /// <param name="steps">The members; an empty list completes at once.</param>
    /// <typeparam name="T">The members' result type.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    [OverloadResolutionPriority(2)]
    public static Step<IReadOnlyList<T>> All<T>(IEnumerable<Step<T>> steps) => new AllOfStep<T>([.. steps]);

    /// <inheritdoc cref="All{T}(IEnumerable{Step{T}})"/>
    [OverloadResolutionPriority(1)]
    public static Step<IReadOnlyList<T>> All<T>(params IReadOnlyList<Step<T>> steps) => new AllOfStep<T>([.. steps]);

    /// <summary>Runs steps of different result types concurrently; read each member's own result afterwards.</summary>
    /// <param name="steps">The members; an empty list completes at once.</param>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <remarks>It behaves like <see cref="All{T}(IEnumerable{Step{T}})"/>.</remarks>
    public static Step<Unit> All(params IReadOnlyList<Step> steps) => new AllUnitStep([.. steps]);

    /// <summary>Runs steps of one result type concurrently, all to completion; a failure is data and fails nothing.</summary>
    /// <remarks>
    /// Sequence numbers and replay are as for <see cref="All{T}(IEnumerable{Step{T}})"/>. Failures are stored like results, and a member's
    /// failure cancels no other member.
    /// </remarks>
    /// <param name="steps">The members; an empty list completes at once.</param>
    /// <typeparam name="T">The members' result type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is each member's outcome, in the order listed.</returns>
    public static Step<IReadOnlyList<StepOutcome<T>>> AllOutcomes<T>(IEnumerable<Step<T>> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        return new AllOutcomesStep<T>([.. steps]);
    }

    /// <summary>Runs steps concurrently until the first has finished, with a result or a failure, and returns its index.</summary>
    /// <remarks>
    /// The winner's outcome and the row that names the winner are stored in one write. A replay reads that row first, so it never decides
    /// otherwise. The losers' tokens are cancelled and their outcomes are not stored; a loser that receives consumes no message. A child
    /// that a loser started keeps running. If a group loses, those of its members that had finished are stored and can be read, such as a
    /// received message; <see cref="Step{T}.Succeeded"/> tells which. A sleep among them tells nothing. The step takes the members'
    /// sequence numbers, in the order listed, and one more.
    /// </remarks>
    /// <param name="steps">The members, at least one. A step listed twice is two steps with their own results.</param>
    /// <returns>
    /// The descriptor, to be yielded. Read the winner's own result afterwards. If the winner failed and is not tolerant, the step fails in
    /// the same way.
    /// </returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public static Step<int> Any(params IReadOnlyList<Step> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        return steps.Count > 0
            ? new AnyStep([.. steps])
            : throw new ArgumentException("Step.Any needs at least one step.", nameof(steps));
    }
}
