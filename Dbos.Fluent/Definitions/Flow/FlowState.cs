using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>
/// The state so far of one run of a fluent definition: the input, the results, the workflow's own clock and random numbers.
/// </summary>
/// <remarks>
/// Conditions, selectors and inputs of steps are computed from it. They run again on a replay and must give the same value, so they use it
/// alone; anything else they need (a clock, a file, a service) belongs in a step.
/// </remarks>
/// <typeparam name="TIn">Type of the workflow's input.</typeparam>
public class FlowState<TIn>
{
    private readonly FlowResults results;

    internal FlowState(TIn input, WorkflowContext workflow, FlowResults results) =>
        (Input, Workflow, this.results) = (input, workflow, results);

    private protected FlowState(FlowState<TIn> flow)
        : this(flow.Input, flow.Workflow, flow.results)
    {
    }

    /// <summary>The workflow's input, decoded from its stored form. Do not change it: a replay decodes it again.</summary>
    public TIn Input { get; }

    /// <summary>The workflow's id, clock, random numbers and logger, all deterministic without being stored.</summary>
    /// <remarks>
    /// Do not draw from <see cref="WorkflowContext.Random"/> or <see cref="WorkflowContext.NewGuid"/> inside a step's body: a replay does
    /// not run the body, so later draws would differ. A step's own random numbers are stored with its result anyway.
    /// </remarks>
    public WorkflowContext Workflow { get; }

    /// <summary>Returns the result of a step that has run; in a loop, the latest one.</summary>
    /// <remarks>It is the decoded form of the stored result, also on the first run, so a replay cannot see anything else.</remarks>
    /// <param name="result">
    /// The name that <see cref="StepBuilder{TIn,TOut,T}.As"/> or <see cref="StepBuilder{TIn,TOut,T}.Try"/> gave it.
    /// </param>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <returns>The result; for a name given by <c>Try</c>, the outcome, which may be a failure.</returns>
    /// <exception cref="InvalidOperationException">
    /// The step has not run on this path, or it belongs to another definition; the message names it.
    /// </exception>
    /// <exception cref="StepFailedException">A tolerant step failed, and its plain result was read.</exception>
    public T Get<T>(ResultOf<T> result) => results.Get(result);

    internal void Keep(StepKey key, Step step) => results.Keep(key, step);

    /// <summary>The same run as seen by one of its branches: the results are shared, the context is not.</summary>
    internal FlowState<TIn> With(WorkflowContext workflow) => new(Input, workflow, results);

    /// <summary>A copy of the current state, which later results do not change.</summary>
    internal FlowState<TIn> Copy() => new(Input, Workflow, results.Copy());
}
