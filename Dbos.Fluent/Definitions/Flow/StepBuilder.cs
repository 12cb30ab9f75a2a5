using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>A definition whose latest part is a step: modifiers apply to that step, and any other call continues the definition.</summary>
/// <remarks>Immutable like its base. Modifiers of one step may be chained in any order; if one is given twice, the last counts.</remarks>
/// <typeparam name="TIn">Type of the workflow's input.</typeparam>
/// <typeparam name="TOut">Type of the workflow's result.</typeparam>
/// <typeparam name="T">Type of the step's result.</typeparam>
public sealed class StepBuilder<TIn, TOut, T> : WorkflowBuilder<TIn, TOut>
{
    private readonly FlowPath<TIn> before;
    private readonly StepNode<TIn, T> step;

    internal StepBuilder(FlowPath<TIn> before, StepNode<TIn, T> step)
        : base(before.AddStep(step)) => (this.before, this.step) = (before, step);

    /// <summary>Retries a failing body. Attempts and waits are in memory: after a crash the count starts at 1 again.</summary>
    /// <remarks>By default a step is not retried. After <c>ForEach</c> it applies to each item.</remarks>
    /// <param name="attempts">Attempts in all, at least 1; 3 by default.</param>
    /// <param name="delay">Wait after the first failure; 1 s by default. Zero is allowed.</param>
    /// <param name="backoff">Factor from one wait to the next, at least 1; 2.0 by default.</param>
    /// <param name="maxDelay">Longest wait, at most 24 days; 1 h by default.</param>
    /// <param name="retryIf">
    /// Decides whether to retry after this exception; an exception it throws is the step's failure. Null: always retry.
    /// </param>
    /// <param name="jitter">
    /// Random part of each wait, from 0 (none, the default) to 1: a wait of <c>d</c> becomes <c>d</c> to <c>d·(1+jitter)</c>.
    /// </param>
    /// <returns>The definition so far; after the last attempt the step fails with <see cref="MaxStepRetriesExceededException"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    /// <exception cref="InvalidOperationException">The step has no body of your own, such as <c>Call</c> or <c>Await</c>.</exception>
    public StepBuilder<TIn, TOut, T> Retry(
        int attempts = 3,
        TimeSpan? delay = null,
        double backoff = 2.0,
        TimeSpan? maxDelay = null,
        Func<Exception, bool>? retryIf = null,
        double jitter = 0) =>
        With(step.Options with { Retry = RetryOptions.Create(step.Key.Title, attempts, delay, backoff, maxDelay, retryIf, jitter) });

    /// <summary>Limits the time of one attempt. A body that ignores its token is abandoned; its later result is dropped.</summary>
    /// <remarks>No limit by default. After <c>ForEach</c> it applies to each item's attempts.</remarks>
    /// <param name="perAttempt">The limit, longer than zero and at most about 49 days.</param>
    /// <returns>The definition so far; an attempt past the limit fails with <see cref="StepTimeoutException"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is zero, negative, infinite or too long.</exception>
    /// <exception cref="InvalidOperationException">The step has no body of your own, such as <c>Call</c> or <c>Await</c>.</exception>
    public StepBuilder<TIn, TOut, T> Timeout(TimeSpan perAttempt) =>
        With(step.Options with { Timeout = RunStepOptions.CheckTimeout(step.Key.Title, perAttempt) });

    /// <summary>Sets how the step is undone if the workflow fails after the step has completed.</summary>
    /// <remarks>
    /// <para>
    /// When a workflow fails, its completed steps are undone, newest first. Each undo is its own step, <c>{name}.compensate</c>. It runs at
    /// least once and never again once its outcome is stored, also after a crash during compensation. A failed step is not undone, nor is
    /// any step of a cancelled workflow. An undo that fails is added to the workflow's failure and does not stop the others. By default
    /// nothing is undone; if an undo is given twice, the last counts.
    /// </para>
    /// <para>After <c>ForEach</c> it applies to each item whose step completed.</para>
    /// </remarks>
    /// <param name="undo">
    /// The work that undoes the step; make it idempotent, like the step itself. It can read what the step could read, and the step's own
    /// result; its <see cref="StepState{TIn}.Step"/> is the undo's own.
    /// </param>
    /// <returns>
    /// The definition so far. After <c>Then</c>, the descriptor must be one that can be undone; otherwise the run fails with an
    /// <see cref="InvalidOperationException"/>.
    /// </returns>
    /// <exception cref="InvalidOperationException">
    /// The step cannot be undone: it has no body of your own and is not a <c>Call</c>.
    /// </exception>
    public StepBuilder<TIn, TOut, T> CompensateWith(Func<StepState<TIn>, Task> undo)
    {
        ArgumentNullException.ThrowIfNull(undo);
        return UndoneBy((state, _) => undo(state), undo);
    }

    /// <inheritdoc cref="CompensateWith(Func{StepState{TIn}, Task})"/>
    /// <param name="undo">
    /// The work that undoes the step, given the step's stored result. After <c>ForEach</c> it is called for each item whose step completed,
    /// with a list that holds only that item's result.
    /// </param>
    public StepBuilder<TIn, TOut, T> CompensateWith(Func<StepState<TIn>, T, Task> undo)
    {
        ArgumentNullException.ThrowIfNull(undo);
        return UndoneBy(undo, undo);
    }

    /// <summary>Names the step's result, so that later parts can read it.</summary>
    /// <param name="result">The name, to be read with <see cref="FlowState{TIn}.Get"/>.</param>
    /// <returns>The definition so far.</returns>
    public StepBuilder<TIn, TOut, T> As(out ResultOf<T> result)
    {
        result = new ResultOf<T>(step.Key, static ran => ((Step<T>)ran).Result);
        return this;
    }

    /// <summary>Prevents a failure of the step from ending the workflow, and names its outcome.</summary>
    /// <remarks>
    /// The failure is stored like a result, and a replay gives the same outcome. A plain result that <see cref="As"/> also names throws the
    /// failure when it is read.
    /// </remarks>
    /// <param name="outcome">The name of the outcome: whether the step succeeded, its result, its recorded failure.</param>
    /// <returns>The definition so far.</returns>
    public StepBuilder<TIn, TOut, T> Try(out ResultOf<StepOutcome<T>> outcome)
    {
        outcome = new ResultOf<StepOutcome<T>>(step.Key, static ran => ((Step<T>)ran).ToOutcome());
        return new(before, step with { Tolerant = true });
    }

    /// <summary>The message that a step takes neither retry nor timeout.</summary>
    internal static string NoAttempts(string name) =>
        $"Step '{name}' takes no Retry and no Timeout: they are for steps with a body of your own (Step, ForEach, Step.Run).";

    private StepBuilder<TIn, TOut, T> UndoneBy(Func<StepState<TIn>, T, Task> undo, Delegate code) =>
        step.Kind == NodeKind.BuiltIn && !step.Undoable
            ? throw new InvalidOperationException(Compensation.NotFor(step.Key.Title))
            : new(before, step with { Undo = undo, UndoCode = code });

    private StepBuilder<TIn, TOut, T> With(RunStepOptions options) =>
        step.Kind == NodeKind.BuiltIn
            ? throw new InvalidOperationException(NoAttempts(step.Key.Title))
            : new(before, step with { Options = options });
}
