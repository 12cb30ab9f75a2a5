namespace Dbos.Fluent;

/// <summary>A snapshot of one queue at the moment it was read. Immutable; it does not follow the queue.</summary>
/// <param name="Queue">The queue with its registered limits.</param>
/// <param name="Paused">True while no workflow is taken from the queue.</param>
/// <param name="Waiting">How many workflows wait in the queue; delayed ones do not count.</param>
/// <param name="Running">How many of the queue's workflows run, in all processes together.</param>
public sealed record QueueStatus(WorkflowQueue Queue, bool Paused, long Waiting, long Running);
