using Dbos.Fluent.Definitions;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Starts that are written all or none. It tracks over several tries which starts are open and how the others ended.
/// </summary>
/// <remarks>
/// A start that attaches to the holder of its deduplication id is not written. Once such starts are known, the others are tried again.
/// </remarks>
internal sealed class StartBatch(IReadOnlyList<StartRequest> requests, StartUnit[] units)
{
    private readonly string?[] ids = new string?[units.Length];

    // For a start that shares its deduplication id with another start of the batch: the number of that holder. The holder's row was rolled
    // back, and another workflow may hold the id by the next try, so the start gets its holder's id only once the holder is written.
    private readonly int?[] holders = new int?[units.Length];

    /// <summary>The numbers of the starts to write with the next try.</summary>
    public int[] Open => [.. Enumerable.Range(0, units.Length).Where(i => ids[i] is null && holders[i] is null)];

    /// <summary>The workflows that were started or attached to, once no start is open.</summary>
    public IReadOnlyList<string> Ids => ids!;

    /// <summary>Records the results of a try of the open starts.</summary>
    /// <exception cref="DbosException">A start was refused.</exception>
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

    // If the holder was not written, its followers are tried again: their id is then free, or held by another workflow.
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
