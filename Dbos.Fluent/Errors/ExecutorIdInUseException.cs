namespace Dbos.Fluent;

/// <summary>Another living process has this executor id.</summary>
public sealed class ExecutorIdInUseException : DbosException
{
    private ExecutorIdInUseException(string executorId, string message)
        : base("DBOS2003", message) => ExecutorId = executorId;

    /// <summary>The id in use.</summary>
    public string ExecutorId { get; }

    /// <summary>The id was to be used for a launch.</summary>
    internal static ExecutorIdInUseException OfLaunch(string executorId, string holder) => new(
        executorId,
        $"Executor id '{executorId}' is held by a living process, {holder}, that goes on renewing its lease. "
        + "Give each process an id of its own, or leave ExecutorId unset to have one made.");

    /// <summary>The executor's work was to be handed on.</summary>
    internal static ExecutorIdInUseException OfRecovery(string executorId) => new(
        executorId,
        $"Executor '{executorId}' is alive, so its work was not handed on. Stop it, or wait until its lease has ended; to take one "
        + "workflow away from it, resume that.");

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["executorId"] = ExecutorId };
}
