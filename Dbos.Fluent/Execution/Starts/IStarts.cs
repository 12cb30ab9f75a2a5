using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Starts workflows from outside of any: an engine at once or on a queue, a client on a queue.</summary>
internal interface IStarts
{
    /// <summary>A start by definition.</summary>
    /// <exception cref="ArgumentException">Options that do not go together, or that need a queue.</exception>
    /// <exception cref="WorkflowNotRegisteredException">It would run here, and its code is not registered here.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    StartRequest Request(WorkflowDefinition definition, object? input, StartOptions options);

    /// <summary>The start as it is written; its queue is asked whether it is partitioned.</summary>
    /// <exception cref="ArgumentException">The partition does not go with the queue.</exception>
    ValueTask<StartUnit> UnitAsync(StartRequest request, CancellationToken cancellationToken);

    /// <summary>Writes a start, and lets it run.</summary>
    Task<CommitResult> StartAsync(StartRequest request, CancellationToken cancellationToken);
}
