namespace Dbos.Fluent;

/// <summary>A failure as it is stored: the same on the first run and on replay, in this process and in another.</summary>
/// <remarks>It describes the exception and is never the exception itself: the process that reads it may not have the type.</remarks>
/// <param name="TypeName">The full name of the exception's type; the simple name where the failure was stored as portable JSON.</param>
/// <param name="Message">The exception's message.</param>
/// <param name="StackTrace">The stack trace, for people to read; null where the writer recorded none.</param>
/// <param name="Code">
/// The number or text that the exception carries as its code; null if none. A .NET exception carries it in <see cref="Exception.Data"/>,
/// under <c>code</c>.
/// </param>
/// <param name="Data">
/// Further facts as JSON text; null if none. For a .NET exception, these are the other entries of <see cref="Exception.Data"/> with a text
/// as key and a text, boolean, number, moment, id or enum as value. Other entries are left out.
/// </param>
public sealed record RecordedFailure(string TypeName, string Message, string? StackTrace = null, object? Code = null, string? Data = null)
{
    /// <summary>
    /// The attempts behind exhausted retries, the child's failure behind a failed call, or an exception's inner exceptions.
    /// </summary>
    public IReadOnlyList<RecordedFailure> Inner { get; init; } = [];

    /// <summary>Full names of the base types between the exception's type and <see cref="Exception"/>, nearest first.</summary>
    internal IReadOnlyList<string> BaseTypes { get; init; } = [];

    /// <summary>
    /// True if the recorded type, one of its recorded base types, or an inner failure is <typeparamref name="TException"/>.
    /// </summary>
    /// <typeparam name="TException">
    /// The exception type to look for, compared by full name; by simple name for portable failures.
    /// </typeparam>
    /// <returns>True if the failure, at any depth, is of that type.</returns>
    public bool Is<TException>()
        where TException : Exception => Is(typeof(TException));

    private bool Is(Type type) =>
        type == typeof(Exception)
        || Names(type, TypeName)
        || BaseTypes.Any(name => Names(type, name))
        || Inner.Any(inner => inner.Is(type));

    // A portable failure records only the simple name, so a name without a namespace is compared with the simple name.
    private static bool Names(Type type, string recorded) =>
        string.Equals(type.FullName, recorded, StringComparison.Ordinal)
        || (!recorded.Contains('.', StringComparison.Ordinal) && string.Equals(type.Name, recorded, StringComparison.Ordinal));
}
