using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>A child workflow, started and awaited: two sequence numbers, its start and its result.</summary>
/// <typeparam name="T">The child's result type.</typeparam>
public sealed class CallStep<T> : Step<T>, ICallStep
{
    private readonly WorkflowDefinition definition;
    private readonly object? input;
    private readonly StartOptions options;

    internal CallStep(WorkflowDefinition definition, object? input, StartOptions? options)
        : base(definition.Name)
    {
        this.definition = definition;
        this.input = input;
        this.options = options ?? new StartOptions();
    }

    WorkflowDefinition IStartStep.Definition => definition;

    object? IStartStep.Input => input;

    StartOptions IStartStep.Options => options;

    internal override int Slots => 2;

    /// <inheritdoc cref="Step{T}.As"/>
    public new CallStep<T> As(out Step<T> step)
    {
        step = this;
        return this;
    }

    /// <inheritdoc cref="Step{T}.Try"/>
    public new CallStep<T> Try(out Step<T> step)
    {
        var tolerant = (CallStep<T>)Copy();
        tolerant.Tolerant = true;
        step = tolerant;
        return tolerant;
    }
}
