using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>
/// Builds a workflow as data: steps, branches and loops in the order in which they run. Create it with
/// <see cref="Workflow.Define{TIn,TOut}(string)"/>.
/// </summary>
/// <remarks>
/// <para>Immutable and safe to share: each call returns a new builder, so one beginning may be continued in several ways.</para>
/// <para>
/// The definition yields the same steps, with the same numbers, as a hand-written iterator. Conditions, selectors and inputs run again on a
/// replay, so they compute from <see cref="FlowState{TIn}"/> alone. Step bodies run at least once, and never again once their outcome is
/// stored.
/// </para>
/// </remarks>
/// <typeparam name="TIn">Type of the workflow's input.</typeparam>
/// <typeparam name="TOut">Type of the workflow's result; <see cref="Unit"/> for none.</typeparam>
public partial class WorkflowBuilder<TIn, TOut>
{
    internal WorkflowBuilder(FlowPath<TIn> path) => Path = path;

    internal FlowPath<TIn> Path { get; }

    /// <summary>Runs a body of your own and stores its result.</summary>
    /// <remarks>
    /// The body runs at least once, and never again once its result is stored. The process may die between the body's effect and the
    /// storing, so make the effect idempotent: <see cref="StepState{TIn}.IdempotencyKey"/> is the same on each attempt and after a
    /// recovery.
    /// </remarks>
    /// <param name="name">
    /// The step's name in a history and a diagram, unique in a definition. Not blank, at most 255 characters, no control characters, not
    /// beginning with <c>DBOS.</c> or <c>Dbos.Fluent.</c>.
    /// </param>
    /// <param name="body">The work. Pass its token on: <c>x => Api.CallAsync(x.Input, x.CancellationToken)</c>.</param>
    /// <typeparam name="T">The result's type; it must be serializable, as it is read back from its stored form.</typeparam>
    /// <returns>The definition so far; modifiers that follow apply to this step.</returns>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long, reserved, used by another step, or holds control characters.
    /// </exception>
    public StepBuilder<TIn, TOut, T> Step<T>(string name, Func<StepState<TIn>, Task<T>> body)
    {
        Model.Names.CheckStepName(name, nameof(name));
        ArgumentNullException.ThrowIfNull(body);
        return Continue<T>(
            name, NodeKind.Run, (flow, options) => new RunStep<T>(name, step => body(new StepState<TIn>(flow, step)), options),
            node => node with { Name = name, Code = [body] });
    }

    /// <summary>Runs a body of your own that has no result.</summary>
    /// <param name="name">The step's name in a history and a diagram, unique in a definition.</param>
    /// <param name="body">The work.</param>
    /// <returns>The definition so far; modifiers that follow apply to this step.</returns>
    /// <remarks>It behaves like <see cref="Step{T}(string,Func{StepState{TIn},Task{T}})"/>.</remarks>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long, reserved, used by another step, or holds control characters.
    /// </exception>
    public StepBuilder<TIn, TOut, Unit> Step(string name, Func<StepState<TIn>, Task> body)
    {
        Model.Names.CheckStepName(name, nameof(name));
        ArgumentNullException.ThrowIfNull(body);
        return Continue<Unit>(
            name, NodeKind.Run, (flow, options) => new RunStep<Unit>(name, step => body(new StepState<TIn>(flow, step)), options),
            node => node with { Name = name, Code = [body] });
    }

    /// <summary>Yields any descriptor of <see cref="Fluent.Step"/>, made from the state so far.</summary>
    /// <remarks>
    /// The function runs on each pass and again on each replay; it must only make the descriptor. The descriptor's own modifiers apply,
    /// unless a modifier that follows here replaces them.
    /// </remarks>
    /// <param name="step">Makes the descriptor, such as <c>x => Step.All(x.Input.Items.Select(…))</c>; a new one each time.</param>
    /// <param name="label">The step's label in diagrams and messages; by default the text of the expression.</param>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <returns>
    /// The definition so far. <see cref="StepBuilder{TIn,TOut,T}.Retry"/> and <see cref="StepBuilder{TIn,TOut,T}.Timeout"/> may follow if
    /// the descriptor is a <see cref="RunStep{T}"/>, and <c>CompensateWith</c> also if it is a <see cref="CallStep{T}"/>. With any other
    /// descriptor the run fails with an <see cref="InvalidOperationException"/>.
    /// </returns>
    public StepBuilder<TIn, TOut, T> Then<T>(
        Func<FlowState<TIn>, Step<T>> step, [CallerArgumentExpression(nameof(step))] string? label = null)
    {
        ArgumentNullException.ThrowIfNull(step);
        var title = FlowText.Title(label, otherwise: "a step");
        return Continue<T>(
            title, NodeKind.Custom, (flow, options) => Made(step(flow), options, title), node => node with { Code = [step] });
    }

    /// <summary>Waits durably for a duration: the wake-up moment is stored when the wait first begins, and survives a restart.</summary>
    /// <param name="duration">How long, from the moment the step first runs. Zero completes at once.</param>
    /// <returns>The definition so far.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The duration is negative or infinite.</exception>
    public WorkflowBuilder<TIn, TOut> Sleep(TimeSpan duration)
    {
        SleepStep.CheckDuration(duration);
        return Continue<Unit>(
            "sleep", NodeKind.BuiltIn, (_, _) => new SleepStep(duration),
            node => node with { Label = $"sleep {duration:c}", Facts = $"{duration:c}" });
    }

    /// <summary>Waits durably for a duration that is computed from the state so far.</summary>
    /// <param name="duration">
    /// How long; zero completes at once, a negative duration fails the workflow with an <see cref="ArgumentOutOfRangeException"/>.
    /// </param>
    /// <returns>The definition so far.</returns>
    /// <remarks>On a replay the stored wake-up moment counts, whatever the function returns then.</remarks>
    public WorkflowBuilder<TIn, TOut> Sleep(Func<FlowState<TIn>, TimeSpan> duration)
    {
        ArgumentNullException.ThrowIfNull(duration);
        return Continue<Unit>(
            "sleep", NodeKind.BuiltIn, (flow, _) => new SleepStep(SleepStep.CheckDuration(duration(flow))),
            node => node with { Code = [duration] });
    }

    /// <summary>Waits durably until a moment. A past moment completes at once.</summary>
    /// <param name="instant">The moment, compared with the database's clock. On a replay the stored one counts.</param>
    /// <returns>The definition so far.</returns>
    public WorkflowBuilder<TIn, TOut> SleepUntil(Func<FlowState<TIn>, DateTimeOffset> instant)
    {
        ArgumentNullException.ThrowIfNull(instant);
        return Continue<Unit>(
            "sleep until a moment", NodeKind.BuiltIn, (flow, _) => new SleepStep(instant(flow)), node => node with { Code = [instant] });
    }

    private StepBuilder<TIn, TOut, T> Continue<T>(
        string title,
        NodeKind kind,
        Func<FlowState<TIn>, RunStepOptions, Step<T>> descriptor,
        Func<StepNode<TIn, T>, StepNode<TIn, T>> with) =>
        new(Path, with(new StepNode<TIn, T>(Path.NextKey(title), kind, descriptor)));

    private static Step<T> Made<T>(Step<T>? step, RunStepOptions options, string title) => step switch
    {
        null => throw new InvalidOperationException($"Then({title}) gave null instead of a step."),
        _ when options == RunStepOptions.Default => step,
        RunStep<T> run => run.Overlay(options),
        _ when options is not { Retry: null, Timeout: null } =>
            throw new InvalidOperationException(StepBuilder<TIn, TOut, T>.NoAttempts(step.Name)),
        CallStep<T> call => call.UndoneBy(options.Undo!),
        _ => throw new InvalidOperationException(Compensation.NotFor(step.Name)),
    };
}
