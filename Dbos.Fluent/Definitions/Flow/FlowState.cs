using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>
/// What is known so far in one run of a fluent definition: the input, the results, the workflow's own clock and random numbers.
/// </summary>
/// <remarks>
/// It is what conditions, selectors and inputs of steps are computed from. They run again on a replay and must come to the same value, so
/// they compute from this alone; whatever else they need (a clock, a file, a service) belongs in a step.
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

    /// <summary>The workflow's input, as it was decoded from its stored form. Do not change it: a replay decodes it anew.</summary>
    public TIn Input { get; }

    /// <summary>The workflow's id, clock, random numbers and logger: deterministic, with nothing stored.</summary>
    /// <remarks>
    /// Inside a step's body do not draw from <see cref="WorkflowContext.Random"/> or <see cref="WorkflowContext.NewGuid"/>: a replay does
    /// not
    /// run the body, so what is drawn after it would differ. A step's own random numbers are stored with its result anyway.
    /// </remarks>
    public WorkflowContext Workflow { get; }

    /// <summary>The result of a step that has run. In a loop the latest one.</summary>
    /// <remarks>It is the decoded form of what was stored, also on the first run, so a replay cannot see anything else.</remarks>
    /// <param name="result">
    /// The name that <see cref="StepBuilder{TIn,TOut,T}.As"/> or <see cref="StepBuilder{TIn,TOut,T}.Try"/> gave it.
    /// </param>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <returns>The result; for one named by <c>Try</c> the outcome, which may be a failure.</returns>
    /// <exception cref="InvalidOperationException">
    /// The step has not run on this path, or it belongs to another definition; the message names it.
    /// </exception>
    /// <exception cref="StepFailedException">A tolerant step failed and its plain result is read.</exception>
    public T Get<T>(ResultOf<T> result) => results.Get(result);

    internal void Keep(StepKey key, Step step) => results.Keep(key, step);

    /// <summary>The same run as a branch of its own sees it: the results are shared, the context is not.</summary>
    internal FlowState<TIn> With(WorkflowContext workflow) => new(Input, workflow, results);

    /// <summary>What is known now, which later results leave as it is.</summary>
    internal FlowState<TIn> Copy() => new(Input, Workflow, results.Copy());
}
