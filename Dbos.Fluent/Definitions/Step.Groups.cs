using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Runs steps of one result type at once and gives their results in the order listed.</summary>
    /// <remarks>
    /// Sequence numbers are given in the order listed, never in the order finished, so a replay is the same whatever finished first; after
    /// a crash only the members without a stored outcome run again. When one fails, the others' tokens are cancelled and they are awaited;
    /// the failure that is first in sequence order is the outcome.
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
}
