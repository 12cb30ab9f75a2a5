using System.Diagnostics;

namespace Dbos.Fluent.Model;

/// <summary>The stored words of <see cref="WorkflowState"/>, as every DBOS SDK writes them.</summary>
internal static class WorkflowStates
{
    public const string Enqueued = "ENQUEUED";
    public const string Delayed = "DELAYED";
    public const string Pending = "PENDING";
    public const string Success = "SUCCESS";
    public const string Error = "ERROR";
    public const string Cancelled = "CANCELLED";
    public const string MaxRecoveryAttemptsExceeded = "MAX_RECOVERY_ATTEMPTS_EXCEEDED";

    // As rows of early levels have it.
    private const string OldMaxRecoveryAttemptsExceeded = "RETRIES_EXCEEDED";

    public static string ToStored(this WorkflowState state) => state switch
    {
        WorkflowState.Enqueued => Enqueued,
        WorkflowState.Delayed => Delayed,
        WorkflowState.Pending => Pending,
        WorkflowState.Success => Success,
        WorkflowState.Error => Error,
        WorkflowState.Cancelled => Cancelled,
        WorkflowState.MaxRecoveryAttemptsExceeded => MaxRecoveryAttemptsExceeded,
        _ => throw new UnreachableException($"Unknown state {state}."),
    };

    public static WorkflowState Parse(string stored) => stored switch
    {
        Enqueued => WorkflowState.Enqueued,
        Delayed => WorkflowState.Delayed,
        Pending => WorkflowState.Pending,
        Success => WorkflowState.Success,
        Error => WorkflowState.Error,
        Cancelled => WorkflowState.Cancelled,
        MaxRecoveryAttemptsExceeded or OldMaxRecoveryAttemptsExceeded => WorkflowState.MaxRecoveryAttemptsExceeded,
        _ => throw new InvalidOperationException(
            $"The database holds a workflow status that this version does not know: '{stored}'. Upgrade this application: a newer version "
            + "wrote the row."),
    };

    public static bool IsTerminal(this WorkflowState state) => state
        is WorkflowState.Success or WorkflowState.Error or WorkflowState.Cancelled or WorkflowState.MaxRecoveryAttemptsExceeded;
}
