using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Starts a child workflow and waits for its result.</summary>
    /// <remarks>
    /// The child's id is <c>{parent}-{sequence}</c> unless the options set one, so a recovered parent finds the child it started. If the id
    /// belongs to a workflow that this parent has not started, the step fails with <see cref="WorkflowIdInUseException"/>. The child
    /// inherits the parent's deadline unless its options set or detach it. A replay neither starts the child nor waits again.
    /// </remarks>
    /// <param name="definition">The child's definition.</param>
    /// <param name="input">The child's input.</param>
    /// <param name="options">How the child is started; null for the defaults.</param>
    /// <typeparam name="TIn">The child's input type.</typeparam>
    /// <typeparam name="TOut">The child's result type.</typeparam>
    /// <returns>The descriptor, to be yielded; if the child fails, it fails in the same way.</returns>
    public static CallStep<TOut> Call<TIn, TOut>(WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return new CallStep<TOut>(definition, input, options);
    }

    /// <summary>Starts a child workflow and continues at once, with a handle to await it by.</summary>
    /// <param name="definition">The child's definition.</param>
    /// <param name="input">The child's input.</param>
    /// <param name="options">How the child is started; null for the defaults.</param>
    /// <typeparam name="TIn">The child's input type.</typeparam>
    /// <typeparam name="TOut">The child's result type.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <remarks>Id, deadline and replay are as for <see cref="Call{TIn,TOut}"/>.</remarks>
    public static Step<WorkflowHandle<TOut>> Start<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return new StartStep<TOut>(definition, input, options);
    }

    /// <summary>Waits for a workflow's result and stores it, so that a replay does not wait again.</summary>
    /// <param name="handle">The handle that <see cref="Start{TIn,TOut}"/> returned.</param>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>The descriptor, to be yielded; if that workflow fails, it fails in the same way.</returns>
    public static Step<TOut> Await<TOut>(WorkflowHandle<TOut> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return new AwaitStep<TOut>(handle);
    }

    /// <summary>Starts several children of one definition, written together: a thousand children take a few commits.</summary>
    /// <remarks>
    /// After a crash only children that were not started are started. If a child is refused, for example because its id belongs to another
    /// definition, the step fails with the refusal that is first in the order listed; the other children have started. Each child takes one
    /// sequence number, in the order listed. Ids, deadlines and the replay are as for <see cref="Call{TIn,TOut}"/>.
    /// </remarks>
    /// <param name="definition">The children's definition.</param>
    /// <param name="inputs">The children's inputs; an empty list completes at once.</param>
    /// <param name="options">
    /// Computes how the child with a given input is started; called once per child, during this call. Null, the default, for the defaults.
    /// </param>
    /// <typeparam name="TIn">The children's input type.</typeparam>
    /// <typeparam name="TOut">The children's result type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is the children's handles, in the order listed.</returns>
    public static Step<IReadOnlyList<WorkflowHandle<TOut>>> StartMany<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, IReadOnlyList<TIn> inputs, Func<TIn, StartOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(inputs);
        return new StartManyStep<TIn, TOut>(definition, inputs, options);
    }

    /// <summary>Waits for the results of several workflows and stores each when it arrives, with one sequence number each.</summary>
    /// <remarks>
    /// A replay waits only for workflows whose result was not stored. When one fails, the others continue and are not awaited.
    /// </remarks>
    /// <param name="handles">The workflows; an empty list completes at once.</param>
    /// <typeparam name="TOut">The workflows' result type.</typeparam>
    /// <returns>
    /// The descriptor, to be yielded; its result is the list of results, in the order listed. It fails as the first that failed.
    /// </returns>
    public static Step<IReadOnlyList<TOut>> AwaitAll<TOut>(IReadOnlyList<WorkflowHandle<TOut>> handles)
    {
        ArgumentNullException.ThrowIfNull(handles);
        return new AllOfStep<TOut>([.. handles.Select(Await)]);
    }

    /// <summary>Waits for the first of several workflows to end, in any state, and stores which one it was.</summary>
    /// <remarks>A replay gives the same one. The others keep running; to get the winner's result, await its handle.</remarks>
    /// <param name="handles">The workflows, at least one.</param>
    /// <returns>The descriptor, to be yielded; its result is the index of the first to end in <paramref name="handles"/>.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public static Step<int> AwaitAny(IReadOnlyList<WorkflowHandle> handles)
    {
        ArgumentNullException.ThrowIfNull(handles);
        if (handles.Count == 0)
        {
            throw new ArgumentException("Step.AwaitAny needs at least one handle.", nameof(handles));
        }

        foreach (var handle in handles)
        {
            ArgumentNullException.ThrowIfNull(handle);
        }

        return new AwaitAnyStep([.. handles.Select(handle => handle.Id)]);
    }
}
