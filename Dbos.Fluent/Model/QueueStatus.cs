namespace Dbos.Fluent;

/// <summary>What is known of one queue at the moment it was read. Immutable; it does not follow the queue.</summary>
/// <param name="Queue">The queue with its limits as they are registered.</param>
/// <param name="Paused">True while nothing is taken from it.</param>
/// <param name="Waiting">How many workflows wait in it, without delayed ones.</param>
/// <param name="Running">How many of its workflows run, in all processes.</param>
public sealed record QueueStatus(WorkflowQueue Queue, bool Paused, long Waiting, long Running);
