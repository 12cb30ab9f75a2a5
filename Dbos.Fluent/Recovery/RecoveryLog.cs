using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>What leases and recovery log. Event ids 15xx; never reused.</summary>
internal static partial class RecoveryLog
{
    [LoggerMessage(1501, LogLevel.Information, "{Count} unfinished workflows of executors that are gone were handed on")]
    public static partial void WorkflowsHandedOn(this ILogger logger, int count);

    [LoggerMessage(
        1502,
        LogLevel.Warning,
        "Executor {ExecutorId} (process {ProcessId} on this host) has ended without stopping; its work goes on here or elsewhere")]
    public static partial void ExecutorProvenDead(this ILogger logger, string executorId, int processId);

    [LoggerMessage(1503, LogLevel.Warning, "Renewing the lease of executor {ExecutorId} failed; it is tried again each second")]
    public static partial void RenewalFailed(this ILogger logger, string executorId, Exception exception);

    [LoggerMessage(
        1504,
        LogLevel.Critical,
        "Executor id {ExecutorId} was taken by another process after this one's lease had ended. Give each process an id of its own")]
    public static partial void LeaseTaken(this ILogger logger, string executorId);

    [LoggerMessage(1505, LogLevel.Warning, "Looking for executors that are gone failed; the next pass tries again")]
    public static partial void RecoveryPassFailed(this ILogger logger, Exception exception);

    [LoggerMessage(1506, LogLevel.Warning, "A sweep for deadlines and lost workflows failed; the next one tries again")]
    public static partial void SweepFailed(this ILogger logger, Exception exception);

    [LoggerMessage(1507, LogLevel.Information, "Executor id {ExecutorId} has a living lease; waiting for it to end")]
    public static partial void WaitingForLease(this ILogger logger, string executorId);

    [LoggerMessage(
        1508,
        LogLevel.Warning,
        "Executor {ExecutorId} could not hand its unfinished work on while stopping; it goes on elsewhere when the lease has ended")]
    public static partial void HandOnFailed(this ILogger logger, string executorId, Exception exception);

    [LoggerMessage(
        1509,
        LogLevel.Warning,
        "{Count} unfinished workflows {WorkflowName} of version {Version} (such as {WorkflowId}) are taken by no running engine. Launch "
        + "that version, adopt them by Versions.AdoptAsync, or cancel them")]
    public static partial void WorkflowsStranded(
        this ILogger logger, long count, string workflowName, string version, string workflowId);

    [LoggerMessage(
        1511,
        LogLevel.Warning,
        "The lease of executor {ExecutorId} had ended before it was renewed, so others may have taken over its work: the database was "
        + "away, or this process was paused")]
    public static partial void LeaseRenewedLate(this ILogger logger, string executorId);

    [LoggerMessage(
        1512,
        LogLevel.Warning,
        "The database no longer knew executor {ExecutorId}, as after a restore or a long time without contact; it is registered again")]
    public static partial void RegisteredAnew(this ILogger logger, string executorId);

    [LoggerMessage(1510, LogLevel.Warning, "Looking for work that no running engine takes failed; the next look tries again")]
    public static partial void StrandedUnknown(this ILogger logger, Exception exception);
}
