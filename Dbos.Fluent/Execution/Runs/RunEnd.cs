using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>How a run ended.</summary>
/// <param name="Outcome">The outcome it stored; null where it stopped without one.</param>
/// <param name="Next">The workflow in its next generation, where it has continued as new; it is still owned by the same token.</param>
internal sealed record RunEnd(WorkflowOutcome? Outcome, ClaimedWorkflow? Next = null)
{
    /// <summary>The workflow is somebody else's now, or waits to be taken up again.</summary>
    public static RunEnd Lost { get; } = new(Outcome: null);
}
