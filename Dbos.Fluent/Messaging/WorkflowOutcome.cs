using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>How a workflow ended, as reported to its awaiters.</summary>
/// <param name="Row">The stored outcome.</param>
/// <param name="Original">The original exception if it was thrown in this process; for debugging only.</param>
internal sealed record WorkflowOutcome(WorkflowOutcomeRow Row, Exception? Original = null);
