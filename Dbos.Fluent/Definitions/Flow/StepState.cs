namespace Dbos.Fluent;

/// <summary>The input of a step body in a fluent definition: the state so far, and the current attempt.</summary>
/// <remarks>It belongs to one attempt; do not keep it longer.</remarks>
/// <typeparam name="TIn">Type of the workflow's input.</typeparam>
public sealed class StepState<TIn> : FlowState<TIn>
{
    internal StepState(FlowState<TIn> flow, StepContext step)
        : base(flow) => Step = step;

    /// <summary>Fires on cancel, deadline, step timeout and shutdown; pass it to everything the body awaits.</summary>
    public CancellationToken CancellationToken => Step.CancellationToken;

    /// <summary>The number of this attempt of the step, from 1. After a crash it starts at 1 again.</summary>
    public int Attempt => Step.Attempt;

    /// <summary>
    /// <c>{workflow id}:{sequence}</c>: the same on each attempt and after a recovery, for services that drop duplicates by key. A workflow
    /// that has continued as new inserts the number of its run: <c>{workflow id}:{run}:{sequence}</c>.
    /// </summary>
    public string IdempotencyKey => Step.IdempotencyKey;

    /// <summary>
    /// The attempt itself, with everything a step of an iterator has: its sequence number, the services, the cancellation reason.
    /// </summary>
    public StepContext Step { get; }
}
