using Dbos.Fluent.Definitions;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>
/// What the body of a workflow gets. Everything in it is deterministic at no cost: a replay sees the same values, and nothing is stored.
/// </summary>
public sealed class WorkflowContext
{
    private readonly IWorkflowFacts facts;

    internal WorkflowContext(IWorkflowFacts facts) => this.facts = facts;

    /// <summary>The workflow's id.</summary>
    public string WorkflowId => facts.WorkflowId;

    /// <summary>
    /// The workflow's own clock: when it first started, or when the latest step whose result it has been given completed.
    /// </summary>
    /// <remarks>It stands still between steps. Use it in place of the system clock, which a replay reads anew.</remarks>
    public DateTimeOffset UtcNow => facts.UtcNow;

    /// <summary>
    /// Random numbers, seeded by the workflow's origin: the same on each replay, other ones in another workflow. Not for secrets.
    /// </summary>
    public Random Random => facts.Random;

    /// <summary>The recovery attempt: 1 at first, one more each time the workflow was recovered. Do not branch on it.</summary>
    public int Attempt => facts.Attempt;

    /// <summary>True while the next step to be yielded stands in the history already. Do not branch on it.</summary>
    public bool IsReplaying => facts.IsReplaying;

    /// <summary>A logger that is silent while replaying, so that nothing is logged twice.</summary>
    public ILogger Logger => facts.Logger;

    /// <summary>A new id, the same on each replay.</summary>
    /// <returns>A version 4 GUID.</returns>
    public Guid NewGuid() => facts.NewGuid();
}
