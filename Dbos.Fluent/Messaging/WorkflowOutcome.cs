using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>How a workflow ended, as an awaiter is told.</summary>
/// <param name="Row">What is stored.</param>
/// <param name="Original">The exception itself, where it was thrown in this process; for debugging only.</param>
internal sealed record WorkflowOutcome(WorkflowOutcomeRow Row, Exception? Original = null);
