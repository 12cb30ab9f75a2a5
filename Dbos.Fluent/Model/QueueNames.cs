namespace Dbos.Fluent.Model;

/// <summary>The names of queues.</summary>
internal static class QueueNames
{
    /// <summary>Resumed, recovered, forked, delayed and scheduled workflows go through it; it has no limits and is always served.</summary>
    public const string Internal = "_dbos_internal_queue";

    /// <summary>
    /// The partition of what came without one into a queue that has limits for partitions: before it had them, or past the check of starts.
    /// </summary>
    public const string NoPartition = "_none";

    private const string ReservedPrefix = "_dbos_";

    /// <summary>Checks the name of a queue that is registered and returns it.</summary>
    public static string Check(string value, string parameter) =>
        Names.CheckName(value, parameter).StartsWith(ReservedPrefix, StringComparison.Ordinal)
            ? throw new ArgumentException($"'{value}' begins with '{ReservedPrefix}', which is kept for queues of the library.", parameter)
            : value;
}
