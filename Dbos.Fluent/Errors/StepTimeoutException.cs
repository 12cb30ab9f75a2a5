namespace Dbos.Fluent;

/// <summary>An attempt of a step took longer than its timeout. Recorded as that attempt's failure.</summary>
public sealed class StepTimeoutException : DbosException
{
    internal StepTimeoutException(string workflowId, int sequence, string stepName, TimeSpan timeout)
        : base(
            "DBOS4003",
            $"An attempt of step '{stepName}' ({sequence}) of workflow '{workflowId}' took longer than its timeout of {timeout}. "
            + "Whatever it goes on doing is ignored: pass the step's CancellationToken on, allow more time, or retry.") =>
        (WorkflowId, Sequence, StepName, Timeout) = (workflowId, sequence, stepName, timeout);

    /// <summary>The workflow the step belongs to.</summary>
    public string WorkflowId { get; }

    /// <summary>The step's sequence number.</summary>
    public int Sequence { get; }

    /// <summary>The step's name.</summary>
    public string StepName { get; }

    /// <summary>The time one attempt was allowed.</summary>
    public TimeSpan Timeout { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["timeout"] = Timeout.ToString("c") };
}
