namespace Dbos.Fluent;

/// <summary>A value that may be missing: the result of a wait with a timeout.</summary>
/// <remarks>It distinguishes a delivered <see langword="null"/> (<see cref="HasValue"/> is true) from a timeout (false).</remarks>
/// <param name="HasValue">True if a value came in time.</param>
/// <param name="Value">The value; the default of <typeparamref name="T"/> after a timeout.</param>
/// <typeparam name="T">Type of the value.</typeparam>
public readonly record struct Optional<T>(bool HasValue, T? Value)
{
    /// <summary>The value, or <paramref name="fallback"/> after a timeout.</summary>
    /// <param name="fallback">The value to use after a timeout.</param>
    /// <returns>The value or the fallback; a delivered null is returned as it is.</returns>
    public T ValueOr(T fallback) => HasValue ? Value! : fallback;
}
