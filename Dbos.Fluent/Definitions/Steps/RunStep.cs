using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>A step with a user's body: it runs at least once, and never again once its outcome is stored.</summary>
/// <typeparam name="T">The result's type.</typeparam>
public sealed class RunStep<T> : Step<T>, IRunStep, ICompensableStep
{
    // One field for both forms of a body, because a descriptor is made at each yield.
    private readonly Delegate body;
    private RunStepOptions options;

    internal RunStep(string name, Func<StepContext, Task<T>> body, RunStepOptions? options = null)
        : base(Names.CheckStepName(name, nameof(name)))
    {
        ArgumentNullException.ThrowIfNull(body);
        this.body = body;
        this.options = options ?? RunStepOptions.Default;
    }

    internal RunStep(string name, Func<StepContext, Task> body, RunStepOptions? options = null)
        : base(Names.CheckStepName(name, nameof(name)))
    {
        ArgumentNullException.ThrowIfNull(body);
        this.body = body;
        this.options = options ?? RunStepOptions.Default;
    }

    // For a step that the library makes: its name is another step's with a suffix, and may be longer than a user's.
    private RunStep(Delegate body, string uncheckedName, RunStepOptions options)
        : base(uncheckedName) => (this.body, this.options) = (body, options);

    RunStepOptions IRunStep.Options => options;

    Func<StepContext, object?, Task>? ICompensableStep.Undo => options.Undo;

    /// <summary>Retries a failing body. Attempts and waits are in memory: after a crash the count starts at 1 again.</summary>
    /// <param name="attempts">Attempts in all, at least 1; 3 by default.</param>
    /// <param name="delay">
    /// Wait after the first failure; 1 s by default. Zero is allowed; a wait above <paramref name="maxDelay"/> is cut to it.
    /// </param>
    /// <param name="backoff">Factor from one wait to the next, at least 1; 2.0 by default.</param>
    /// <param name="maxDelay">Longest wait, at most 24 days; 1 h by default.</param>
    /// <param name="retryIf">
    /// Decides whether to retry after this exception; an exception it throws is the step's failure. Null: always retry.
    /// </param>
    /// <param name="jitter">
    /// Random part of each wait, from 0 (none, the default) to 1: a wait of <c>d</c> becomes <c>d</c> to <c>d·(1+jitter)</c>.
    /// </param>
    /// <returns>The descriptor with retries; after the last attempt it fails with <see cref="MaxStepRetriesExceededException"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public RunStep<T> Retry(
        int attempts = 3,
        TimeSpan? delay = null,
        double backoff = 2.0,
        TimeSpan? maxDelay = null,
        Func<Exception, bool>? retryIf = null,
        double jitter = 0) =>
        With(options with { Retry = RetryOptions.Create(Name, attempts, delay, backoff, maxDelay, retryIf, jitter) });

    /// <summary>Limits the time of one attempt. A body that ignores its token is abandoned; its later result is dropped.</summary>
    /// <param name="perAttempt">The limit, longer than zero and finite.</param>
    /// <returns>The descriptor with a limit; an attempt past it fails with <see cref="StepTimeoutException"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is zero, negative, infinite or longer than about 49 days.</exception>
    public RunStep<T> Timeout(TimeSpan perAttempt) => With(options with { Timeout = RunStepOptions.CheckTimeout(Name, perAttempt) });

    /// <summary>Sets how the step is undone if the workflow fails after the step has completed.</summary>
    /// <remarks>
    /// When a workflow fails, its completed steps are undone, newest first. Each undo is its own step, <c>{name}.compensate</c>. It runs at
    /// least once and never again once its outcome is stored, also after a crash during compensation. A failed step is not undone, nor is
    /// any step of a cancelled workflow. An undo that fails is added to the workflow's failure and does not stop the others. By default
    /// nothing is undone; if an undo is given twice, the last counts.
    /// </remarks>
    /// <param name="undo">
    /// The work that undoes the step; make it idempotent, like the step itself. Its <see cref="StepContext"/> is the undo's own.
    /// </param>
    /// <returns>The descriptor with its undo.</returns>
    public RunStep<T> CompensateWith(Func<StepContext, Task> undo) => With(options with { Undo = Compensation.Of(undo, Name) });

    /// <inheritdoc cref="CompensateWith(Func{StepContext, Task})"/>
    /// <param name="undo">The work that undoes the step, given the step's stored result.</param>
    public RunStep<T> CompensateWith(Func<StepContext, T, Task> undo) => With(options with { Undo = Compensation.Of(undo, Name) });

    /// <inheritdoc cref="Step{T}.As"/>
    public new RunStep<T> As(out Step<T> step)
    {
        step = this;
        return this;
    }

    /// <inheritdoc cref="Step{T}.Try"/>
    public new RunStep<T> Try(out Step<T> step)
    {
        var tolerant = (RunStep<T>)Copy();
        tolerant.Tolerant = true;
        step = tolerant;
        return tolerant;
    }

    /// <summary>The step that undoes a step of this name.</summary>
    internal static RunStep<T> Undoing(string name, Func<StepContext, Task> undo, RunStepOptions options) =>
        new(undo, name + ".compensate", options);

    /// <summary>Replaces the descriptor's modifiers with the given ones; those not given stay.</summary>
    internal RunStep<T> Overlay(RunStepOptions over) =>
        With(new(over.Retry ?? options.Retry, over.Timeout ?? options.Timeout, over.Undo ?? options.Undo));

    async Task<object?> IRunStep.InvokeAsync(StepContext context)
    {
        if (body is Func<StepContext, Task<T>> withResult)
        {
            return await (withResult(context) ?? throw NoTask("Task.FromResult(value)")).ConfigureAwait(false);
        }

        await (((Func<StepContext, Task>)body)(context) ?? throw NoTask("Task.CompletedTask")).ConfigureAwait(false);
        return default(Unit);
    }

    private InvalidOperationException NoTask(string instead) =>
        new($"The body of step '{Name}' returned null instead of a task: return {instead} if there is nothing to await.");

    private RunStep<T> With(RunStepOptions changed)
    {
        var copy = (RunStep<T>)Copy();
        copy.options = changed;
        return copy;
    }
}
