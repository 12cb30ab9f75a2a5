namespace Dbos.Fluent;

/// <summary>What the body of a step of a fluent definition gets: all that is known so far, and the attempt it is.</summary>
/// <remarks>It belongs to one attempt and is not kept beyond it.</remarks>
/// <typeparam name="TIn">Type of the workflow's input.</typeparam>
public sealed class StepState<TIn> : FlowState<TIn>
{
    internal StepState(FlowState<TIn> flow, StepContext step)
        : base(flow) => Step = step;

    /// <summary>Fires on cancel, deadline, step timeout and shutdown; give it to everything the body awaits.</summary>
    public CancellationToken CancellationToken => Step.CancellationToken;

    /// <summary>The number of this attempt of the step, from 1. After a crash it starts at 1 again.</summary>
    public int Attempt => Step.Attempt;

    /// <summary>
    /// <c>{workflow id}:{sequence}</c>: the same on each attempt and after a recovery, for services that drop duplicates by key. A workflow
    /// that has continued as new puts the number of its run between: <c>{workflow id}:{run}:{sequence}</c>.
    /// </summary>
    public string IdempotencyKey => Step.IdempotencyKey;

    /// <summary>
    /// The attempt itself, with everything a step of an iterator has: its sequence number, the services, the reason of a cancellation.
    /// </summary>
    public StepContext Step { get; }
}
