using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>What every run of one engine shares. Immutable.</summary>
internal sealed record RunEnvironment
{
    public required string ExecutorId { get; init; }

    public required string ApplicationName { get; init; }

    public required string ApplicationVersion { get; init; }

    public required Registry Registry { get; init; }

    public required Checkpointer Checkpointer { get; init; }

    public required PayloadSerializer Serializer { get; init; }

    public required StoreClock Clock { get; init; }

    public required Lease Lease { get; init; }

    /// <summary>The tokens of workflows that are about to begin.</summary>
    public required TokensInHand InHand { get; init; }

    public required Wakeups Wakeups { get; init; }

    /// <summary>Notifies this process and others of what a run has written for them.</summary>
    public required Action<CommitUnit> Written { get; init; }

    /// <summary>Finds out why an execution has lost its workflow.</summary>
    public Func<Ownership, Task<CancellationReason>> WhyLost { get; init; } = _ => Task.FromResult(CancellationReason.Shutdown);

    /// <summary>How long a run that only waits stays in memory.</summary>
    public required TimeSpan UnloadAfter { get; init; }

    /// <summary>Says what waiting means for the places of queues.</summary>
    public required IQueuePlaces Places { get; init; }

    /// <summary>Lets a run that only waits leave memory; gives false if it stays.</summary>
    public required Func<RunScope, IReadOnlyList<WaitRow>, Task<bool>> Leave { get; init; }

    public required IServiceProvider Services
    {
        get;
        init
        {
            field = value;
            Scopes = value.GetService(typeof(IServiceScopeFactory)) as IServiceScopeFactory;
        }
    }

    /// <summary>Makes scopes of <see cref="Services"/>; null if they have none.</summary>
    public IServiceScopeFactory? Scopes { get; private init; }

    public required ILogger Logger { get; init; }

    /// <summary>The logger of the user's bodies.</summary>
    public required ILogger WorkflowLogger { get; init; }

    /// <summary>The engine as a client, for <see cref="StepContext.Workflows"/>.</summary>
    public required Func<WorkflowClient> Client { get; init; }

    /// <summary>Handles given to bodies are read through the engine.</summary>
    public required IWorkflowOutcomes Handles { get; init; }
}
