using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>What queues log. Event ids 12xx; never reused.</summary>
internal static partial class QueuesLog
{
    [LoggerMessage(1201, LogLevel.Error, "Claiming waiting workflows failed; the next poll tries again")]
    public static partial void ClaimFailed(this ILogger logger, Exception exception);

    [LoggerMessage(
        1202,
        LogLevel.Error,
        "{Count} workflows were recovered more often than allowed and are no longer tried; the first: {WorkflowId}. "
        + "Resume them once the cause is fixed")]
    public static partial void DeadLettered(this ILogger logger, int count, string workflowId);

    [LoggerMessage(1204, LogLevel.Error, "Looking at what waits failed; the next look tries again")]
    public static partial void OutlookFailed(this ILogger logger, Exception exception);

    [LoggerMessage(1205, LogLevel.Error, "Claiming from queue {Queue} failed; the next look tries again")]
    public static partial void QueueClaimFailed(this ILogger logger, string queue, Exception exception);

    [LoggerMessage(1203, LogLevel.Error, "Taking up parked workflows failed; the next look tries again")]
    public static partial void ParkedClaimFailed(this ILogger logger, Exception exception);

    [LoggerMessage(
        1206,
        LogLevel.Warning,
        "There is no queue {Queue} to be paused or resumed, so nothing was done: a pause does not wait for a queue. Check the name, or "
        + "register the queue first (EngineOptions.Add, Queues.RegisterAsync)")]
    public static partial void NoQueueToPause(this ILogger logger, string queue);

    [LoggerMessage(
        1207,
        LogLevel.Error,
        "The history of workflow {WorkflowId} could not be read in time, several times in a row, so it is handed back, and given up when "
        + "its recovery attempts are spent. Make its steps' results smaller, or see why the database is so slow")]
    public static partial void HistoryUnread(this ILogger logger, string workflowId);
}
