using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Runs steps of one result type at once and gives their results in the order listed.</summary>
    /// <remarks>
    /// Sequence numbers are given in the order listed, never in the order finished, so a replay is the same whatever finished first; after
    /// a crash only the members without a stored outcome run again. When one fails, the others' tokens are cancelled and they are awaited;
    /// the failure that is first in sequence order is the outcome. Of a group that failed, the members that had finished by then can be
    /// read; a sleep among them says nothing.
    /// </remarks>
    /// <param name="steps">The members; none is allowed and completes at once.</param>
    /// <typeparam name="T">The members' result type.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    [OverloadResolutionPriority(2)]
    public static Step<IReadOnlyList<T>> All<T>(IEnumerable<Step<T>> steps) => new AllOfStep<T>([.. steps]);

    /// <inheritdoc cref="All{T}(IEnumerable{Step{T}})"/>
    [OverloadResolutionPriority(1)]
    public static Step<IReadOnlyList<T>> All<T>(params IReadOnlyList<Step<T>> steps) => new AllOfStep<T>([.. steps]);

    /// <summary>Runs steps of different result types at once; read each member's own result afterwards.</summary>
    /// <param name="steps">The members; none is allowed and completes at once.</param>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <remarks>Everything said of <see cref="All{T}(IEnumerable{Step{T}})"/> holds.</remarks>
    public static Step<Unit> All(params IReadOnlyList<Step> steps) => new AllUnitStep([.. steps]);

    /// <summary>Runs steps of one result type at once and all to their end; a failure is data and fails nothing.</summary>
    /// <remarks>
    /// Sequence numbers and a replay are as in <see cref="All{T}(IEnumerable{Step{T}})"/>. Failures are stored like results, and a
    /// member's failure cancels no other.
    /// </remarks>
    /// <param name="steps">The members; none is allowed and completes at once.</param>
    /// <typeparam name="T">The members' result type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is each member's outcome, in the order listed.</returns>
    public static Step<IReadOnlyList<StepOutcome<T>>> AllOutcomes<T>(IEnumerable<Step<T>> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        return new AllOutcomesStep<T>([.. steps]);
    }

    /// <summary>Runs steps at once until the first has finished, well or with a failure, and gives its index.</summary>
    /// <remarks>
    /// The winner's outcome and the row that says who won are stored in one write, and a replay looks at that row first, so it never
    /// decides otherwise. The losers' tokens are cancelled and their outcomes are not stored; one that receives consumes no message. A
    /// child that a loser started runs on. Of a group that loses, the members that had finished by then are stored and can be read: a
    /// message that one has received, for instance. <see cref="Step{T}.Succeeded"/> says which; a sleep among them says nothing. It takes
    /// the members' sequence numbers, in the order listed, and one more.
    /// </remarks>
    /// <param name="steps">The members, at least one. One listed twice is two steps with results of their own.</param>
    /// <returns>
    /// The descriptor, to be yielded. Read the winner's own result afterwards; if the winner failed, and is not one that may fail, the
    /// step fails as it did.
    /// </returns>
    /// <exception cref="ArgumentException">There are no steps.</exception>
    public static Step<int> Any(params IReadOnlyList<Step> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        return steps.Count > 0
            ? new AnyStep([.. steps])
            : throw new ArgumentException("Step.Any needs at least one step.", nameof(steps));
    }
}
