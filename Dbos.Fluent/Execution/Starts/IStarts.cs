using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Starts workflows for callers outside any workflow: an engine at once or on a queue, a client on a queue.</summary>
internal interface IStarts
{
    /// <summary>Makes the request for a start by definition.</summary>
    /// <exception cref="ArgumentException">The options contradict each other, or need a queue.</exception>
    /// <exception cref="WorkflowNotRegisteredException">The workflow would run here, but its code is not registered here.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    StartRequest Request(WorkflowDefinition definition, object? input, StartOptions options);

    /// <summary>Makes the unit of a start, after checking its partition against its queue.</summary>
    /// <exception cref="ArgumentException">The partition does not fit the queue.</exception>
    ValueTask<StartUnit> UnitAsync(StartRequest request, CancellationToken cancellationToken);

    /// <summary>Writes a start, and lets it run.</summary>
    Task<CommitResult> StartAsync(StartRequest request, CancellationToken cancellationToken);
}
