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

    /// <summary>As rows of early levels have it.</summary>
    public const string OldMaxRecoveryAttemptsExceeded = "RETRIES_EXCEEDED";

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

    /// <summary>What a stored word says.</summary>
    /// <remarks>
    /// One that this version does not know, of a newer library, is no reason to refuse the rows around it: it reads as
    /// <see cref="WorkflowState.Pending"/>, since for all that is known here the workflow has not ended and somebody has it.
    /// </remarks>
    public static WorkflowState Parse(string stored) => Known(stored) ?? WorkflowState.Pending;

    /// <summary>The word itself where this version does not know it; null where it does.</summary>
    public static string? Unknown(string stored) => Known(stored) is null ? stored : null;

    private static WorkflowState? Known(string stored) => stored switch
    {
        Enqueued => WorkflowState.Enqueued,
        Delayed => WorkflowState.Delayed,
        Pending => WorkflowState.Pending,
        Success => WorkflowState.Success,
        Error => WorkflowState.Error,
        Cancelled => WorkflowState.Cancelled,
        MaxRecoveryAttemptsExceeded or OldMaxRecoveryAttemptsExceeded => WorkflowState.MaxRecoveryAttemptsExceeded,
        _ => null,
    };

    public static bool IsTerminal(this WorkflowState state) => state
        is WorkflowState.Success or WorkflowState.Error or WorkflowState.Cancelled or WorkflowState.MaxRecoveryAttemptsExceeded;
}
