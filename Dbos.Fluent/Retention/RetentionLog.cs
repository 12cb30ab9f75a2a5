using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Retention;

/// <summary>The log messages of retention. Event ids 18xx; never reused.</summary>
internal static partial class RetentionLog
{
    [LoggerMessage(1801, LogLevel.Information, "{Count} ended workflows were deleted, as the retention policy says")]
    public static partial void WorkflowsCollected(this ILogger logger, long count);

    [LoggerMessage(1802, LogLevel.Warning, "Deleting ended workflows failed; the next pass tries again")]
    public static partial void CollectingFailed(this ILogger logger, Exception exception);

    [LoggerMessage(
        1803,
        LogLevel.Warning,
        "Workflow {WorkflowId} was not deleted: even alone, that takes longer than a statement may. It is left alone for an hour, and the "
        + "others are deleted. Delete its steps, events and streams in portions by SQL if it has very many")]
    public static partial void WorkflowTooLarge(this ILogger logger, string workflowId);
}
