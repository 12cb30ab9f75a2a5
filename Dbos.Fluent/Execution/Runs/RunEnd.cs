using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>How a run ended.</summary>
/// <param name="Outcome">The outcome it stored; null if it stopped without one.</param>
/// <param name="Next">The next generation, if the workflow continued as new; this process owns it by a new token.</param>
internal sealed record RunEnd(WorkflowOutcome? Outcome, ClaimedWorkflow? Next = null)
{
    /// <summary>Another executor has the workflow now, or the workflow waits to be taken up again.</summary>
    public static RunEnd Lost { get; } = new(Outcome: null);
}
