using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Starts children for runs, and runs them here.</summary>
internal interface IChildStarter
{
    /// <exception cref="WorkflowNotRegisteredException">The child's definition is not registered here.</exception>
    /// <exception cref="SerializationFailedException">Its input cannot be stored.</exception>
    /// <exception cref="OperationCanceledException">The engine has stopped.</exception>
    Task<CommitResult> StartAsync(ChildStart start);

    /// <summary>Starts a child after a quiet period, or moves the start of the waiting child.</summary>
    Task<CommitResult> DebounceAsync(ChildStart start, DebounceCall call);
}

/// <summary>A child to be started by a running workflow.</summary>
/// <param name="Definition">What to start.</param>
/// <param name="Input">Its input.</param>
/// <param name="Options">How to start it; the id is set.</param>
/// <param name="Parent">The run that starts it.</param>
/// <param name="ParentDeadlineMs">The deadline it inherits unless its options say otherwise.</param>
/// <param name="ParentCheckpoint">The parent's row, written with the child.</param>
internal sealed record ChildStart(
    WorkflowDefinition Definition,
    object? Input,
    StartOptions Options,
    Ownership Parent,
    long? ParentDeadlineMs,
    CheckpointRow ParentCheckpoint)
{
    /// <summary>True if the id was derived from the parent's, because the options gave none.</summary>
    public bool IsIdMade { get; init; }
}
