using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>Starts and awaits a child workflow; it takes two sequence numbers, for the start and the result.</summary>
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

    /// <summary>Sets how the child's work is undone if this workflow fails after the child has succeeded.</summary>
    /// <remarks>
    /// It works like <see cref="RunStep{T}.CompensateWith(Func{StepContext, Task})"/>: newest first, each undo its own step,
    /// <c>{name}.compensate</c>; by default nothing is undone. A failed child has undone its own steps and is not undone here.
    /// </remarks>
    /// <param name="undo">The work that undoes the child's; make it idempotent. Its <see cref="StepContext"/> is the undo's own.</param>
    /// <returns>The descriptor with its undo.</returns>
    public CallStep<T> CompensateWith(Func<StepContext, Task> undo) => UndoneBy(Compensation.Of(undo, Name));

    /// <inheritdoc cref="CompensateWith(Func{StepContext, Task})"/>
    /// <param name="undo">The work that undoes the child's, given the child's stored result.</param>
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
