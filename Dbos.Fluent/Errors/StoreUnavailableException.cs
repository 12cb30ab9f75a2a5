using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>The database could not be reached, or the connection was lost before it was known whether a statement took effect.</summary>
/// <remarks>
/// Running workflows never see it, and starts, sends, cancels, resumes and reads wait until the database is back or their token fires. A
/// launch and a connect throw it, and so do a start and a send inside a transaction of the caller's; a list, a count, a fork, a rewind, a
/// deletion or a change of attributes does once the database has not answered in time three times in a row.
/// </remarks>
public sealed class StoreUnavailableException : DbosException
{
    private const string Check = "Check that it runs, the address, the credentials and the network.";

    internal StoreUnavailableException(string store, Exception inner, string remedy = Check)
        : base("DBOS3001", $"{store} cannot be reached: {FailureText.Sentence(inner.Message)} {remedy}", inner)
    {
    }

    private StoreUnavailableException(string message, StoreUnavailableException last)
        : base("DBOS3001", message, last)
    {
    }

    /// <summary>True where there was a connection, or none was refused, and the answer did not come in time.</summary>
    internal bool TimedOut { get; init; }

    /// <summary>Tells when the database is reached again; null where it was reached, and something else was the matter.</summary>
    internal Model.StoreContact? Contact { get; set; }

    /// <summary>That a call was given up because none of its tries was answered in time.</summary>
    internal static StoreUnavailableException TookTooLong(string doing, int tries, StoreUnavailableException last) => new(
        $"The database did not {doing} in time, {tries} times in a row: it is overloaded, or it was asked for too much at once. "
        + "Ask for less (a narrower filter, fewer workflows), or try again when it is less busy.",
        last)
    {
        TimedOut = true,
    };
}
