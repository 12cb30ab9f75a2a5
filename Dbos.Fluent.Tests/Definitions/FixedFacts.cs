using Dbos.Fluent.Definitions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Tests.Definitions;

/// <summary>Facts of a workflow that never change.</summary>
internal sealed class FixedFacts : IWorkflowFacts
{
    public string WorkflowId { get; init; } = "w";

    public DateTimeOffset UtcNow { get; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public Random Random { get; } = new(1);

    public int Attempt => 1;

    public bool IsReplaying => false;

    public ILogger Logger => NullLogger.Instance;

    public Guid NewGuid() => Guid.Empty;
}
