using System.Globalization;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public partial class WorkflowBuilder<TIn, TOut>
{
    /// <summary>Starts a child workflow and waits for its result.</summary>
    /// <remarks>
    /// The child's id is <c>{parent}-{sequence}</c> unless the options set one, so a recovered parent finds the child it started. The child
    /// inherits the parent's deadline unless its options set or detach it. A replay neither starts the child nor waits again. The step
    /// takes no retry and no timeout of its own: the options' timeout is the child's.
    /// </remarks>
    /// <param name="definition">The child's definition or declaration.</param>
    /// <param name="input">Computes the child's input from the state so far.</param>
    /// <param name="options">Computes how the child is started; null for the defaults.</param>
    /// <typeparam name="TChildIn">The child's input type.</typeparam>
    /// <typeparam name="T">The child's result type.</typeparam>
    /// <returns>The definition so far; if the child fails, the step fails in the same way.</returns>
    public StepBuilder<TIn, TOut, T> Call<TChildIn, T>(
        WorkflowDefinition<TChildIn, T> definition,
        Func<FlowState<TIn>, TChildIn> input,
        Func<FlowState<TIn>, StartOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(input);
        return Continue<T>(
            definition.Name,
            NodeKind.BuiltIn,
            (flow, modifiers) => new CallStep<T>(definition, input(flow), options?.Invoke(flow), modifiers.Undo),
            node => node with { Label = $"call {definition.Name}", Facts = "call", Code = Both(input, options), Undoable = true });
    }

    /// <summary>Starts a child workflow and continues at once, with a handle to await it by.</summary>
    /// <param name="definition">The child's definition or declaration.</param>
    /// <param name="input">Computes the child's input from the state so far.</param>
    /// <param name="options">Computes how the child is started; null for the defaults.</param>
    /// <typeparam name="TChildIn">The child's input type.</typeparam>
    /// <typeparam name="T">The child's result type.</typeparam>
    /// <returns>The definition so far; name the handle with <see cref="StepBuilder{TIn,TOut,T}.As"/> to <see cref="Await"/> it.</returns>
    /// <remarks>
    /// Id, deadline and replay are as for <see cref="Call"/>. A child that nothing awaits keeps running when this workflow ends.
    /// </remarks>
    public StepBuilder<TIn, TOut, WorkflowHandle<T>> Start<TChildIn, T>(
        WorkflowDefinition<TChildIn, T> definition,
        Func<FlowState<TIn>, TChildIn> input,
        Func<FlowState<TIn>, StartOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(input);
        return Continue<WorkflowHandle<T>>(
            definition.Name, NodeKind.BuiltIn, (flow, _) => new StartStep<T>(definition, input(flow), options?.Invoke(flow)),
            node => node with { Label = $"start {definition.Name}", Facts = "start", Code = Both(input, options) });
    }

    /// <summary>Waits for a workflow's result and stores it, so that a replay does not wait again.</summary>
    /// <param name="handle">The handle that <see cref="Start"/> returned.</param>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <returns>The definition so far; if that workflow fails, the step fails in the same way.</returns>
    public StepBuilder<TIn, TOut, T> Await<T>(ResultOf<WorkflowHandle<T>> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return Continue<T>(
            $"await {handle.Key.Title}", NodeKind.BuiltIn, (flow, _) => new AwaitStep<T>(flow.Get(handle)),
            node => node with { Facts = string.Create(CultureInfo.InvariantCulture, $"await {handle.Key.Ordinal}") });
    }

    private static System.Collections.Immutable.ImmutableArray<Delegate> Both(Delegate input, Delegate? options) =>
        options is null ? [input] : [input, options];
}
