using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>The database could not be reached, or the connection was lost before it was known whether a statement took effect.</summary>
/// <remarks>
/// Running workflows never see it: their writes are repeated until the database is back. A launch and a connect throw it.
/// </remarks>
public sealed class StoreUnavailableException : DbosException
{
    internal StoreUnavailableException(string store, Exception inner)
        : base(
            "DBOS3001",
            $"{store} cannot be reached: {FailureText.Sentence(inner.Message)} "
            + "Check that it runs, the address, the credentials and the network.",
            inner)
    {
    }
}
