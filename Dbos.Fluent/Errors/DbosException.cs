namespace Dbos.Fluent;

/// <summary>
/// The base of every failure that this library itself reports. Each case has a type, a stable code, its facts and a remedy.
/// </summary>
/// <remarks>Failures of the user's code are not of this type: they appear as <see cref="RecordedFailure"/> inside one.</remarks>
public abstract class DbosException : Exception
{
    private protected DbosException(string code, string message, Exception? inner = null)
        : base($"{code}: {message}", inner) => Code = code;

    /// <summary>The case's stable code, such as <c>DBOS1001</c>; listed in the documentation and never reused.</summary>
    public string Code { get; }

    /// <summary>The typed facts, stored with a recorded failure so that another process can rebuild the exception.</summary>
    internal virtual IReadOnlyDictionary<string, string> Facts => System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    /// <summary>The failures that caused this one, stored with it.</summary>
    internal virtual IReadOnlyList<RecordedFailure> InnerFailures => [];
}
