namespace Dbos.Fluent.Storage;

/// <summary>One queue with limits, and what a process already runs of it, for a claim.</summary>
/// <param name="Queue">The queue's name.</param>
/// <param name="RunningHere">How many of its workflows this process runs now, which count against a worker's limit.</param>
/// <param name="RunningByPartition">The same for each partition with running workflows.</param>
/// <param name="AfterPartition">
/// In a partitioned queue, the partition behind which the search begins; the search wraps around once. Empty for the first.
/// </param>
internal sealed record QueueShare(
    string Queue, int RunningHere, IReadOnlyList<KeyValuePair<string, int>> RunningByPartition, string AfterPartition);

/// <summary>Rows without a partition in a partitioned queue: before a claim, the first of them are given one.</summary>
internal static class PartitionStrays
{
    /// <summary>How many a claim gives one, among those that it may take.</summary>
    public const int Max = 200;
}

/// <summary>The result of a claim of a limited queue.</summary>
/// <param name="Result">Workflows to run, and those that were dead-lettered.</param>
/// <param name="More">
/// True if the request's own limit, or the number of partitions looked at, ended it instead of the queue's limits: another claim may
/// take more at once. Also true if others hold the first of a line, and more may wait behind those.
/// </param>
/// <param name="RetryAtMs">When a rate window has room again, if it held something back; null otherwise.</param>
/// <param name="LastPartition">In a partitioned queue, the last partition looked at: the next claim begins behind it.</param>
internal sealed record LimitedClaim(ClaimResult Result, bool More, long? RetryAtMs, string LastPartition);
