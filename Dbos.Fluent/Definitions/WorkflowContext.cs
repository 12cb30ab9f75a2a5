using Dbos.Fluent.Definitions;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>The context of a workflow's body. Everything in it is deterministic without storage: a replay sees the same values.</summary>
public sealed class WorkflowContext
{
    private readonly IWorkflowFacts facts;

    internal WorkflowContext(IWorkflowFacts facts) => this.facts = facts;

    /// <summary>The workflow's id.</summary>
    public string WorkflowId => facts.WorkflowId;

    /// <summary>
    /// The workflow's own clock: the moment it first started, or the completion of the latest step whose result it has received.
    /// </summary>
    /// <remarks>It does not move between steps. Use it instead of the system clock, which a replay reads again.</remarks>
    public DateTimeOffset UtcNow => facts.UtcNow;

    /// <summary>
    /// Random numbers, seeded by the workflow's origin: the same on each replay, different in another workflow. Not for secrets.
    /// </summary>
    public Random Random => facts.Random;

    /// <summary>The number of the attempt: 1 at first, one more for each recovery of the workflow. Do not branch on it.</summary>
    public int Attempt => facts.Attempt;

    /// <summary>True while the history already holds the next step to be yielded. Do not branch on it.</summary>
    public bool IsReplaying => facts.IsReplaying;

    /// <summary>A logger that is silent during a replay, so that nothing is logged twice.</summary>
    public ILogger Logger => facts.Logger;

    /// <summary>A new id, the same on each replay.</summary>
    /// <returns>A version 4 GUID.</returns>
    public Guid NewGuid() => facts.NewGuid();
}
