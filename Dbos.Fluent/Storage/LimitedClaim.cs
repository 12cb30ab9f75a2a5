namespace Dbos.Fluent.Storage;

/// <summary>One queue with limits, as a process asks for what it may take from it.</summary>
/// <param name="Queue">The queue's name.</param>
/// <param name="RunningHere">How many of its workflows this process runs now: what counts against a worker's limit.</param>
/// <param name="RunningByPartition">The same for each partition that has any.</param>
/// <param name="AfterPartition">
/// In a partitioned queue, the partition behind which the search begins; it goes round once. Empty for the first.
/// </param>
internal sealed record QueueShare(
    string Queue, int RunningHere, IReadOnlyList<KeyValuePair<string, int>> RunningByPartition, string AfterPartition);

/// <summary>Rows without a partition in a queue that has partitions: before a claim, those at the head of the line are given one.</summary>
/// <remarks>
/// No index leads to them, and to read the whole line would cost more the longer it is. So a process's first claim looks far, and of the
/// others one in so many, which is next to nothing for each.
/// </remarks>
internal static class PartitionStrays
{
    private const int Near = 200;
    private const int Far = 10_000;
    private const int FarOneIn = 64;

    /// <summary>At how many rows of the line a claim looks.</summary>
    public static int LookedAt(QueueShare share) =>
        share.AfterPartition.Length == 0 || Random.Shared.Next(FarOneIn) == 0 ? Far : Near;
}

/// <summary>What a claim of a limited queue took.</summary>
/// <param name="Result">Workflows to run, and those that were given up.</param>
/// <param name="More">
/// True if the request's own limit, not the queue's, or the number of partitions looked at ended it: another claim may take more at once.
/// True too where others hold the first of a line, and more may wait behind those.
/// </param>
/// <param name="RetryAtMs">When a rate window has room again, where that held something back; null otherwise.</param>
/// <param name="LastPartition">In a partitioned queue, the last partition looked at: the next claim begins behind it.</param>
internal sealed record LimitedClaim(ClaimResult Result, bool More, long? RetryAtMs, string LastPartition);
