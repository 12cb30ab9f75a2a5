using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Starts a child workflow and waits for its result.</summary>
    /// <remarks>
    /// The child's id is <c>{parent}-{sequence}</c> unless the options give one, so a recovered parent finds the child it started; where a
    /// workflow has that id which this parent has not started, the step fails with <see cref="WorkflowIdInUseException"/>. The child
    /// inherits the parent's deadline unless its options set or detach it. On a replay neither the start nor the wait happens again.
    /// </remarks>
    /// <param name="definition">The child's definition.</param>
    /// <param name="input">The child's input.</param>
    /// <param name="options">How it is started; null for the defaults.</param>
    /// <typeparam name="TIn">The child's input type.</typeparam>
    /// <typeparam name="TOut">The child's result type.</typeparam>
    /// <returns>The descriptor, to be yielded; it fails as the child fails.</returns>
    public static CallStep<TOut> Call<TIn, TOut>(WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return new CallStep<TOut>(definition, input, options);
    }

    /// <summary>Starts a child workflow and goes on at once, with a handle to await it by.</summary>
    /// <param name="definition">The child's definition.</param>
    /// <param name="input">The child's input.</param>
    /// <param name="options">How it is started; null for the defaults.</param>
    /// <typeparam name="TIn">The child's input type.</typeparam>
    /// <typeparam name="TOut">The child's result type.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <remarks>The id, the deadline and the replay are as in <see cref="Call{TIn,TOut}"/>.</remarks>
    public static Step<WorkflowHandle<TOut>> Start<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return new StartStep<TOut>(definition, input, options);
    }

    /// <summary>Waits for a workflow's result and stores it, so that a replay does not wait again.</summary>
    /// <param name="handle">The workflow, as <see cref="Start{TIn,TOut}"/> gave it.</param>
    /// <typeparam name="TOut">Its result type.</typeparam>
    /// <returns>The descriptor, to be yielded; it fails as that workflow fails.</returns>
    public static Step<TOut> Await<TOut>(WorkflowHandle<TOut> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return new AwaitStep<TOut>(handle);
    }

    /// <summary>Starts several children of one definition, written together: a thousand take a few commits.</summary>
    /// <remarks>
    /// After a crash only those that were not started are. Where one is refused (its id belongs to another definition, say) the step fails
    /// with the refusal that is first in the order listed, and the others have begun.
    /// One sequence number each, in the order listed; ids, deadlines and the replay are as in <see cref="Call{TIn,TOut}"/>.
    /// </remarks>
    /// <param name="definition">The children's definition.</param>
    /// <param name="inputs">Their inputs; none is allowed and completes at once.</param>
    /// <param name="options">
    /// Says how the child with an input is started; called once for each, here. Null, the default, for the defaults.
    /// </param>
    /// <typeparam name="TIn">The children's input type.</typeparam>
    /// <typeparam name="TOut">The children's result type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is their handles, in the order listed.</returns>
    public static Step<IReadOnlyList<WorkflowHandle<TOut>>> StartMany<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, IReadOnlyList<TIn> inputs, Func<TIn, StartOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(inputs);
        return new StartManyStep<TIn, TOut>(definition, inputs, options);
    }

    /// <summary>Waits for the results of several workflows and stores each as it comes, one sequence number each.</summary>
    /// <remarks>A replay waits only for those whose result was not stored. When one fails, the others go on and are not awaited.</remarks>
    /// <param name="handles">The workflows; none is allowed and completes at once.</param>
    /// <typeparam name="TOut">Their result type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is theirs, in the order listed, and it fails as the first that failed.</returns>
    public static Step<IReadOnlyList<TOut>> AwaitAll<TOut>(IReadOnlyList<WorkflowHandle<TOut>> handles)
    {
        ArgumentNullException.ThrowIfNull(handles);
        return new AllOfStep<TOut>([.. handles.Select(Await)]);
    }

    /// <summary>Waits for the first of several workflows to end, however it ends, and stores which it was.</summary>
    /// <remarks>A replay gives the same one. The others run on; await the winner by its handle for its result.</remarks>
    /// <param name="handles">The workflows, at least one.</param>
    /// <returns>The descriptor, to be yielded; its result is the index of the first to end in <paramref name="handles"/>.</returns>
    /// <exception cref="ArgumentException">There are no handles.</exception>
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
