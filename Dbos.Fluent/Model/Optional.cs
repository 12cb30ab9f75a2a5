namespace Dbos.Fluent;

/// <summary>A value that may not have come: what a wait with a timeout gives.</summary>
/// <remarks>It tells a delivered <see langword="null"/> (<see cref="HasValue"/> true) from a timeout (false).</remarks>
/// <param name="HasValue">True if a value came in time.</param>
/// <param name="Value">The value; the default of <typeparamref name="T"/> where none came.</param>
/// <typeparam name="T">Type of the value.</typeparam>
public readonly record struct Optional<T>(bool HasValue, T? Value)
{
    /// <summary>The value, or <paramref name="fallback"/> where none came.</summary>
    /// <param name="fallback">What to use in place of a value that did not come.</param>
    /// <returns>The value or the fallback; a delivered null is returned as it is.</returns>
    public T ValueOr(T fallback) => HasValue ? Value! : fallback;
}
