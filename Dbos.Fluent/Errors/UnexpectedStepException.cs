using System.Globalization;

namespace Dbos.Fluent;

/// <summary>
/// The code yielded a different step than its history holds there: the workflow is not deterministic, or its code has changed.
/// </summary>
/// <remarks>The step had no effect and the history is unchanged; the workflow ends in <see cref="WorkflowState.Error"/>.</remarks>
public sealed class UnexpectedStepException : DbosException
{
    internal UnexpectedStepException(string workflowId, int sequence, string expectedStep, string recordedStep)
        : base(
            "DBOS1001",
            $"Workflow '{workflowId}' yielded '{expectedStep}' at position {sequence}, but its history holds '{recordedStep}' there: "
            + "the code took another path than the first time. Move clocks, random numbers and I/O into steps, or take them from the "
            + "WorkflowContext; if the code was changed on purpose, guard the change with a patch, "
            + $"or fork the workflow from step {sequence}.") =>
        (WorkflowId, Sequence, ExpectedStep, RecordedStep) = (workflowId, sequence, expectedStep, recordedStep);

    /// <summary>The workflow whose code and history disagree.</summary>
    public string WorkflowId { get; }

    /// <summary>The sequence number at which code and history disagree.</summary>
    public int Sequence { get; }

    /// <summary>The step that the code yielded: its name, and its kind if only the kind differs.</summary>
    public string ExpectedStep { get; }

    /// <summary>The step that the history holds: its name, and its kind if only the kind differs.</summary>
    public string RecordedStep { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["workflowId"] = WorkflowId,
        ["sequence"] = Sequence.ToString(CultureInfo.InvariantCulture),
        ["expectedStep"] = ExpectedStep,
        ["recordedStep"] = RecordedStep,
    };
}
