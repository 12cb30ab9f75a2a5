using Dbos.Fluent.Definitions;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Starts that are written all or none. It tracks over several tries which starts are still open, and the others' outcomes.
/// </summary>
/// <remarks>
/// Starts that attach to the holder of their deduplication id are not written: once they are known, the others are tried again.
/// </remarks>
internal sealed class StartBatch(IReadOnlyList<StartRequest> requests, StartUnit[] units)
{
    private readonly string?[] ids = new string?[units.Length];

    // Whose deduplication id a start has, where that is another of the batch. What was written of it was taken back, and somebody else may
    // have the id by the next try: it names its holder only once that is written.
    private readonly int?[] holders = new int?[units.Length];

    /// <summary>The numbers of those that are to be written with the next try.</summary>
    public int[] Open => [.. Enumerable.Range(0, units.Length).Where(i => ids[i] is null && holders[i] is null)];

    /// <summary>The workflows that were started or attached to, when none is open.</summary>
    public IReadOnlyList<string> Ids => ids!;

    /// <summary>Takes in how a try of the open ones ended.</summary>
    /// <exception cref="DbosException">One of them was refused.</exception>
    public void Settle(int[] open, IReadOnlyList<CommitResult> results)
    {
        var written = results.All(result => result.Status is CommitStatus.Written or CommitStatus.Attached);
        foreach (var (n, i) in open.Index())
        {
            if (!written && HolderOf(i, open, results[n]) is { } holder)
            {
                holders[i] = holder;
            }
            else if (written || results[n].Status is CommitStatus.NameConflict or CommitStatus.IdInUse or CommitStatus.Deduplicated)
            {
                ids[i] = StartRefusals.IdOf(results[n], requests[i]);
            }
        }

        foreach (var (n, i) in open.Index())
        {
            if (ids[i] is not null)
            {
                SettleFollowers(i, written && results[n].Status == CommitStatus.Written);
            }
        }
    }

    private int? HolderOf(int i, int[] open, CommitResult result) =>
        result is { Status: CommitStatus.Deduplicated, Existing.Id: var id }
        && requests[i].Options.DeduplicationPolicy == DeduplicationPolicy.ReturnExisting
        && Array.FindIndex(open, other => other != i && units[other].Row.Id == id) is >= 0 and var found
            ? open[found]
            : null;

    // Where it was not written, its followers are tried again: they are in nobody's way, or in another's.
    private void SettleFollowers(int holder, bool written)
    {
        for (var i = 0; i < holders.Length; i++)
        {
            if (holders[i] == holder)
            {
                (holders[i], ids[i]) = (null, written ? ids[holder] : null);
                if (written)
                {
                    SettleFollowers(i, written);
                }
            }
        }
    }
}
