using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
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

    public required OutcomeWaiter Outcomes { get; init; }

    public required IServiceProvider Services { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Logs of the user's bodies.</summary>
    public required ILogger WorkflowLogger { get; init; }

    /// <summary>Handles given to bodies are read through the engine.</summary>
    public required IWorkflowOutcomes Handles { get; init; }
}
