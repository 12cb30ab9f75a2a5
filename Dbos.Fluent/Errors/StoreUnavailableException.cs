using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>The database could not be reached, or the connection was lost before the outcome of a statement was known.</summary>
/// <remarks>
/// Running workflows never see it. Starts, sends, cancels, resumes and reads wait until the database is back or their token fires. A launch
/// and a connect throw it, as do a start and a send inside a transaction of the caller's. A list, a count, an explanation, a fork, a
/// rewind, a deletion or a change of attributes throws it once the database has not answered in time three times in a row.
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

    /// <summary>True if a connection existed, or none was refused, and the answer did not come in time.</summary>
    internal bool TimedOut { get; init; }

    /// <summary>Signals when the database is reached again; null if it was reached and the cause is something else.</summary>
    internal Model.StoreContact? Contact { get; set; }

    /// <summary>Reports that a call was given up because the database answered none of its tries in time.</summary>
    internal static StoreUnavailableException TookTooLong(string doing, int tries, StoreUnavailableException last) => new(
        $"The database did not {doing} in time, {tries} times in a row: it is overloaded, or it was asked for too much at once. "
        + "Ask for less (a narrower filter, fewer workflows), or try again when it is less busy.",
        last)
    {
        TimedOut = true,
        Contact = last.Contact,
    };
}
