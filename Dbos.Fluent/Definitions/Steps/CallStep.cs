using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>A child workflow, started and awaited: two sequence numbers, its start and its result.</summary>
/// <typeparam name="T">The child's result type.</typeparam>
public sealed class CallStep<T> : Step<T>, ICallStep, ICompensableStep
{
    private readonly WorkflowDefinition definition;
    private readonly object? input;
    private readonly StartOptions options;
    private Func<StepContext, object?, Task>? undo;

    internal CallStep(
        WorkflowDefinition definition, object? input, StartOptions? options, Func<StepContext, object?, Task>? undo = null)
        : base(definition.Name)
    {
        this.definition = definition;
        this.input = input;
        this.options = StartRules.Check(options ?? new StartOptions(), definition);
        this.undo = undo;
    }

    WorkflowDefinition IStartStep.Definition => definition;

    object? IStartStep.Input => input;

    StartOptions IStartStep.Options => options;

    Func<StepContext, object?, Task>? ICompensableStep.Undo => undo;

    internal override int Slots => 2;

    /// <summary>Says how the child's work is undone if this workflow fails after the child has succeeded.</summary>
    /// <remarks>
    /// Undoing is as with <see cref="RunStep{T}.CompensateWith(Func{StepContext, Task})"/>: newest first, each undo a step of its own,
    /// <c>{name}.compensate</c>; nothing is undone unless asked. A child that failed has undone its own steps and is not undone here.
    /// </remarks>
    /// <param name="undo">The work that undoes it; make it idempotent. Its <see cref="StepContext"/> is the undo's own.</param>
    /// <returns>The descriptor with its undo.</returns>
    public CallStep<T> CompensateWith(Func<StepContext, Task> undo) => UndoneBy(Compensation.Of(undo, Name));

    /// <inheritdoc cref="CompensateWith(Func{StepContext, Task})"/>
    /// <param name="undo">The work that undoes it, given the child's result as it was stored.</param>
    public CallStep<T> CompensateWith(Func<StepContext, T, Task> undo) => UndoneBy(Compensation.Of(undo, Name));

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

    /// <summary>The same call with another undo.</summary>
    internal CallStep<T> UndoneBy(Func<StepContext, object?, Task> other)
    {
        var copy = (CallStep<T>)Copy();
        copy.undo = other;
        return copy;
    }
}
