namespace Dbos.Fluent.Storage;

/// <summary>Everything that running workflows write.</summary>
internal interface ICommitStore
{
    /// <summary>
    /// Writes units in one transaction and, where the store is remote, one round trip. Each unit is written whole or not at all.
    /// </summary>
    /// <param name="batch">The units; one workflow may have several, which are applied in the order given.</param>
    /// <param name="cancellationToken">Given up before the commit was sent; the outcome is then unknown.</param>
    /// <returns>One result for each unit, in their order.</returns>
    /// <remarks>
    /// A guarded unit is written only while the workflow's row carries the unit's token. The check locks rows in id order with SKIP LOCKED,
    /// so a row that somebody else has locked delays nobody: its unit is <see cref="CommitStatus.Busy"/>. A unit that is already stored,
    /// because an earlier commit's acknowledgement was lost, counts as written.
    /// </remarks>
    ValueTask<IReadOnlyList<CommitResult>> CommitAsync(IReadOnlyList<CommitUnit> batch, CancellationToken cancellationToken);

    /// <summary>Writes one unit that was busy, waiting for locks that others hold for at most the command timeout.</summary>
    ValueTask<CommitResult> CommitWaitingAsync(CommitUnit unit, CancellationToken cancellationToken);
}
