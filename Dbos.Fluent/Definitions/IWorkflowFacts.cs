using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Definitions;

/// <summary>The facts that execution supplies for a body's context.</summary>
internal interface IWorkflowFacts
{
    string WorkflowId { get; }

    DateTimeOffset UtcNow { get; }

    Random Random { get; }

    int Attempt { get; }

    bool IsReplaying { get; }

    ILogger Logger { get; }

    Guid NewGuid();
}
