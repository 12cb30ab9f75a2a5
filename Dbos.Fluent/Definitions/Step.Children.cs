using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Starts a child workflow and waits for its result.</summary>
    /// <remarks>
    /// The child's id is <c>{parent}-{sequence}</c> unless the options give one, so a recovered parent finds the child it started. The
    /// child inherits the parent's deadline unless its options set or detach it. On a replay neither the start nor the wait happens again.
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
}
