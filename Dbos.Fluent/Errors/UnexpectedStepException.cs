using System.Globalization;

namespace Dbos.Fluent;

/// <summary>
/// The code yielded another step than its history holds at that place: the workflow is not deterministic, or its code was changed.
/// </summary>
/// <remarks>The step had no effect and the history stays as it was; the workflow ends in <see cref="WorkflowState.Error"/>.</remarks>
public sealed class UnexpectedStepException : DbosException
{
    internal UnexpectedStepException(string workflowId, int sequence, string expectedStep, string recordedStep)
        : base(
            "DBOS1001",
            $"Workflow '{workflowId}' yielded {expectedStep} at position {sequence}, but its history holds {recordedStep} there: "
            + "the code took another path than the first time. Move clocks, random numbers and I/O into steps, or take them from the "
            + "WorkflowContext; if the code was changed on purpose, guard the change with a patch, "
            + $"or fork the workflow from step {sequence}.") =>
        (WorkflowId, Sequence, ExpectedStep, RecordedStep) = (workflowId, sequence, expectedStep, recordedStep);

    /// <summary>The workflow whose code and history disagree.</summary>
    public string WorkflowId { get; }

    /// <summary>The sequence number at which code and history disagree.</summary>
    public int Sequence { get; }

    /// <summary>What the code yielded: the kind and name of the step.</summary>
    public string ExpectedStep { get; }

    /// <summary>What the history holds: the kind and name of the step.</summary>
    public string RecordedStep { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["workflowId"] = WorkflowId,
        ["sequence"] = Sequence.ToString(CultureInfo.InvariantCulture),
        ["expectedStep"] = ExpectedStep,
        ["recordedStep"] = RecordedStep,
    };
}
