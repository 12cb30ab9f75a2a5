namespace Dbos.Fluent.Model;

/// <summary>The names of queues.</summary>
internal static class QueueNames
{
    /// <summary>
    /// The queue for resumed, recovered, forked, delayed and scheduled workflows. It has no limits, and every engine serves it.
    /// </summary>
    public const string Internal = "_dbos_internal_queue";

    /// <summary>
    /// The partition of workflows that entered a partitioned queue without one: before it had limits for partitions, or past the check of
    /// starts.
    /// </summary>
    public const string NoPartition = "_none";

    private const string ReservedPrefix = "_dbos_";

    /// <summary>Checks the name of a queue that is to be registered, and returns it.</summary>
    public static string Check(string value, string parameter) =>
        Names.CheckName(value, parameter).StartsWith(ReservedPrefix, StringComparison.Ordinal)
            ? throw new ArgumentException($"'{value}' begins with '{ReservedPrefix}', which is kept for queues of the library.", parameter)
            : value;
}
