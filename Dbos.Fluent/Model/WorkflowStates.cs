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

    /// <summary>The word in rows of early schema levels.</summary>
    public const string OldMaxRecoveryAttemptsExceeded = "RETRIES_EXCEEDED";

    /// <summary>The words of workflows that have ended, as a list for <c>IN</c>. A word of a newer library is not among them.</summary>
    public const string EndedList =
        $"'{Success}', '{Error}', '{Cancelled}', '{MaxRecoveryAttemptsExceeded}', '{OldMaxRecoveryAttemptsExceeded}'";

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

    /// <summary>Parses a stored word.</summary>
    /// <remarks>
    /// A word that this version does not know, from a newer library, is no reason to refuse the rows around it. It reads as
    /// <see cref="WorkflowState.Pending"/>: as far as this version knows, the workflow has not ended and a process owns it.
    /// </remarks>
    public static WorkflowState Parse(string stored) => Known(stored) ?? WorkflowState.Pending;

    /// <summary>Returns the word if this version does not know it; otherwise null.</summary>
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
