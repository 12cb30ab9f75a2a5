namespace Dbos.Fluent;

/// <summary>Another living process has this executor id.</summary>
public sealed class ExecutorIdInUseException : DbosException
{
    internal ExecutorIdInUseException(string executorId)
        : base(
            "DBOS2003",
            $"Executor id '{executorId}' is held by a living process that goes on renewing its lease. "
            + "Give each process an id of its own, or leave ExecutorId unset to have one made.") => ExecutorId = executorId;

    /// <summary>The id in use.</summary>
    public string ExecutorId { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["executorId"] = ExecutorId };
}
