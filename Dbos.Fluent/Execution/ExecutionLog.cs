using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>What running workflows log. Event ids 11xx; never reused.</summary>
internal static partial class ExecutionLog
{
    [LoggerMessage(
        1101,
        LogLevel.Information,
        "Step {StepName} ({Sequence}) of workflow {WorkflowId} failed on attempt {StepAttempt} of {StepAttemptsMax}; it is tried again")]
    public static partial void StepRetried(
        this ILogger logger, string stepName, int sequence, string workflowId, int stepAttempt, int stepAttemptsMax, Exception exception);

    [LoggerMessage(1102, LogLevel.Warning,
        "Workflow {WorkflowId} ({WorkflowName}) completed after {Yielded} steps, but its history holds steps up to {HighestRecorded}: "
        + "its code yields fewer than when they were recorded")]
    public static partial void FewerStepsThanRecorded(
        this ILogger logger, string workflowId, string workflowName, int yielded, int highestRecorded);

    [LoggerMessage(1103, LogLevel.Error, "Workflow {WorkflowId} ({WorkflowName}) failed")]
    public static partial void WorkflowFailed(this ILogger logger, string workflowId, string workflowName, Exception exception);

    [LoggerMessage(
        1105, LogLevel.Warning, "The body of workflow {WorkflowId} ({WorkflowName}) threw while it was disposed; its outcome stands")]
    public static partial void DisposeFailed(this ILogger logger, string workflowId, string workflowName, Exception exception);

    [LoggerMessage(
        1106,
        LogLevel.Critical,
        "Running workflow {WorkflowId} ({WorkflowName}) failed in the engine itself; it is handed back for another attempt")]
    public static partial void RunCrashed(this ILogger logger, string workflowId, string workflowName, Exception exception);

    [LoggerMessage(1107, LogLevel.Error, "Parking workflow {WorkflowId} failed; it goes on waiting in memory")]
    public static partial void ParkingFailed(this ILogger logger, string workflowId, Exception exception);

    [LoggerMessage(
        1108,
        LogLevel.Error,
        "Disposing the services of step {StepName} ({Sequence}) of workflow {WorkflowId} failed; the step's outcome stands")]
    public static partial void ServicesNotDisposed(
        this ILogger logger, string stepName, int sequence, string workflowId, Exception exception);

    [LoggerMessage(
        1109,
        LogLevel.Warning,
        "A workflow was enqueued in queue {Queue}, which nobody has registered: it waits until somebody does. Check the name, or register "
        + "the queue (EngineOptions.Add, Queues.RegisterAsync)")]
    public static partial void QueueUnregistered(this ILogger logger, string queue);

    [LoggerMessage(
        1110,
        LogLevel.Error,
        "The timer for {Moment} failed, as by a clock (EngineOptions.TimeProvider) that sets none: what is due waits for a poll")]
    public static partial void TimerFailed(this ILogger logger, DateTimeOffset moment, Exception exception);
}
