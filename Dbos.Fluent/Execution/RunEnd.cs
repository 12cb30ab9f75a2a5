using Dbos.Fluent.Messaging;

namespace Dbos.Fluent.Execution;

/// <summary>How a run ended.</summary>
/// <param name="Outcome">The outcome it stored; null where it stopped without one.</param>
internal sealed record RunEnd(WorkflowOutcome? Outcome)
{
    /// <summary>The workflow is somebody else's now, or waits to be taken up again.</summary>
    public static RunEnd Lost { get; } = new(Outcome: null);
}
