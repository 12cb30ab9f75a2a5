namespace Dbos.Fluent;

/// <summary>A failure as it is stored: the same on the first run and on a replay, here and in another process.</summary>
/// <remarks>It is a description, never the exception itself: the type may not exist where it is read.</remarks>
/// <param name="TypeName">Full name of the exception's type; the simple name where the failure came as portable JSON.</param>
/// <param name="Message">The exception's message.</param>
/// <param name="StackTrace">The stack text where it was thrown, for people; null where the writer gave none.</param>
/// <param name="Code">
/// A number or a text the exception carried as its code; null if none. A .NET exception carries it in <see cref="Exception.Data"/>, under
/// <c>code</c>.
/// </param>
/// <param name="Data">
/// Further facts as JSON text; null if none. Of a .NET exception, the other entries of <see cref="Exception.Data"/> whose key is a text and
/// whose value is a text, a truth value, a number, a moment, an id or an enum; anything else is left out.
/// </param>
public sealed record RecordedFailure(string TypeName, string Message, string? StackTrace = null, object? Code = null, string? Data = null)
{
    /// <summary>The attempts behind exhausted retries, the child's failure behind a failed call, an exception's inner ones.</summary>
    public IReadOnlyList<RecordedFailure> Inner { get; init; } = [];

    /// <summary>Full names of the exception's base types below <see cref="Exception"/>, nearest first.</summary>
    internal IReadOnlyList<string> BaseTypes { get; init; } = [];

    /// <summary>
    /// True if the recorded type, one of its recorded base types, or an inner failure is <typeparamref name="TException"/>.
    /// </summary>
    /// <typeparam name="TException">
    /// The exception type to look for, compared by full name; by simple name for portable failures.
    /// </typeparam>
    /// <returns>Whether the failure, at any depth, is of that type.</returns>
    public bool Is<TException>()
        where TException : Exception => Is(typeof(TException));

    private bool Is(Type type) =>
        type == typeof(Exception)
        || Names(type, TypeName)
        || BaseTypes.Any(name => Names(type, name))
        || Inner.Any(inner => inner.Is(type));

    // A portable failure knows only the simple name, so a name without a namespace is compared with the simple name.
    private static bool Names(Type type, string recorded) =>
        string.Equals(type.FullName, recorded, StringComparison.Ordinal)
        || (!recorded.Contains('.', StringComparison.Ordinal) && string.Equals(type.Name, recorded, StringComparison.Ordinal));
}
