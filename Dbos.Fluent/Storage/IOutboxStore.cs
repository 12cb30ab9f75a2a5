using System.Data.Common;

namespace Dbos.Fluent.Storage;

/// <summary>
/// Writes inside a transaction of the caller's on the same database; the write is durable, and announced, when that commits.
/// </summary>
internal interface IOutboxStore
{
    /// <summary>Starts a workflow that waits or is delayed. A refused start leaves the transaction usable.</summary>
    /// <exception cref="ArgumentException">The transaction is not on this database, or has ended.</exception>
    Task<CommitResult> StartAsync(DbTransaction transaction, StartUnit start, CancellationToken cancellationToken);

    /// <summary>Sends a message. A refused one leaves the transaction usable.</summary>
    /// <exception cref="ArgumentException">The transaction is not on this database, or has ended.</exception>
    Task<CommitResult> SendAsync(DbTransaction transaction, MessageRow message, CancellationToken cancellationToken);
}
