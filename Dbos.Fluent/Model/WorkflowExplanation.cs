namespace Dbos.Fluent;

/// <summary>Explains why a workflow is in its current state, at the moment of the request.</summary>
/// <param name="WorkflowId">The workflow's id.</param>
/// <param name="Reason">
/// A stable word, for programs. The workflow is under way: <c>running</c>, <c>waiting-for-message</c>, <c>waiting-for-event</c>,
/// <c>waiting-for-workflow</c>, <c>waiting-for-stream</c>, <c>sleeping</c>. It waits for its turn: <c>queued</c>, <c>queue-limit</c>,
/// <c>worker-limit</c>, <c>partition-limit</c>, <c>rate-limit</c>, <c>queue-paused</c>, <c>queue-not-registered</c>, <c>delayed</c>. No
/// engine runs it: <c>version-not-running</c>, <c>name-not-served</c>, <c>no-engine</c>, <c>owner-dead</c>. Another SDK's program owns it:
/// <c>owner-unknown</c>. It has ended: <c>finished</c>, <c>failed</c>, <c>cancelled</c>, <c>timed-out</c>, <c>dead-lettered</c>. A newer
/// library wrote a state that this version does not know: <c>unknown-state</c>.
/// </param>
/// <param name="Text">The same as a sentence for people, with ids, limits and times, and what can be done about it.</param>
public sealed record WorkflowExplanation(string WorkflowId, string Reason, string Text);
