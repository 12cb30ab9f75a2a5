namespace Dbos.Fluent;

/// <summary>Why a workflow is where it is, at the moment it was asked about.</summary>
/// <param name="WorkflowId">The id that was asked about.</param>
/// <param name="Reason">
/// A word that stays the same, for programs. It is under way: <c>running</c>, <c>waiting-for-message</c>, <c>waiting-for-event</c>,
/// <c>waiting-for-workflow</c>, <c>waiting-for-stream</c>, <c>sleeping</c>. It waits for its turn: <c>queued</c>, <c>queue-limit</c>,
/// <c>worker-limit</c>, <c>partition-limit</c>, <c>rate-limit</c>, <c>queue-paused</c>, <c>queue-not-registered</c>,
/// <c>delayed</c>. Nobody runs it: <c>version-not-running</c>, <c>name-not-served</c>, <c>no-engine</c>,
/// <c>owner-dead</c>. Another SDK's program has it: <c>owner-unknown</c>. It has ended: <c>finished</c>, <c>failed</c>, <c>cancelled</c>,
/// <c>timed-out</c>, <c>dead-lettered</c>. A newer library has written a state that this version does not know: <c>unknown-state</c>.
/// </param>
/// <param name="Text">The same as a sentence for people, with ids, limits and times, and with what can be done about it.</param>
public sealed record WorkflowExplanation(string WorkflowId, string Reason, string Text);
