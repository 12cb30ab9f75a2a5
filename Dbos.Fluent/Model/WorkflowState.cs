namespace Dbos.Fluent;

/// <summary>The state of a workflow in its life cycle: the column <c>status</c> of the DBOS system database.</summary>
public enum WorkflowState
{
    /// <summary>It waits in a queue for an executor.</summary>
    Enqueued,

    /// <summary>It will be enqueued later, or it waits out of memory for a time, a message, an event or a child.</summary>
    Delayed,

    /// <summary>
    /// An executor runs it, or ran it and died. A stored word that this version does not know, perhaps from a newer library, also reads as
    /// this state. <see cref="WorkflowClient.CountAsync"/> and <see cref="WorkflowClient.ExplainAsync"/> give the word itself.
    /// </summary>
    Pending,

    /// <summary>It ended with a result.</summary>
    Success,

    /// <summary>It ended with a failure.</summary>
    Error,

    /// <summary>It was cancelled, or its deadline passed.</summary>
    Cancelled,

    /// <summary>It was recovered more often than allowed and is not tried again unless resumed.</summary>
    MaxRecoveryAttemptsExceeded,
}
