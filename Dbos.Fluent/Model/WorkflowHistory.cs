namespace Dbos.Fluent;

/// <summary>One workflow and its checkpoints, in order of sequence number, as they were when read.</summary>
public sealed class WorkflowHistory
{
    internal WorkflowHistory(WorkflowStatus status, IReadOnlyList<Checkpoint> checkpoints) => (Status, Checkpoints) = (status, checkpoints);

    /// <summary>The workflow itself.</summary>
    public WorkflowStatus Status { get; }

    /// <summary>Its checkpoints, by sequence number.</summary>
    public IReadOnlyList<Checkpoint> Checkpoints { get; }

    /// <summary>Renders the history as canonical, readable text: the same on every store, made for approval by a snapshot test.</summary>
    /// <remarks>It leaves out what differs from run to run: moments, executors, stack traces.</remarks>
    /// <returns>Lines that end with a line feed.</returns>
    public override string ToString() => Model.HistoryText.Render(this);
}
