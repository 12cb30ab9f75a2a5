using System.Globalization;
using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public partial class WorkflowBuilder<TIn, TOut>
{
    /// <summary>
    /// Takes one of two branches, by a condition on the state so far. Nothing is stored: a replay evaluates it again, on the same values.
    /// </summary>
    /// <param name="condition">The condition.</param>
    /// <param name="then">
    /// Continues the given empty builder with the branch for a true condition. It runs once, when the definition is built.
    /// </param>
    /// <param name="otherwise">The same for a false condition; null for nothing.</param>
    /// <param name="label">The condition's label in the diagram; by default the text of the expression.</param>
    /// <returns>The definition so far. A result named in a branch can be read after it only where that branch ran.</returns>
    /// <exception cref="InvalidOperationException">A branch does not return a continuation of the builder it was given.</exception>
    /// <exception cref="ArgumentException">A step's name in a branch is used by another step, possibly in the other branch.</exception>
    public WorkflowBuilder<TIn, TOut> If(
        Func<FlowState<TIn>, bool> condition,
        Func<WorkflowBuilder<TIn, TOut>, WorkflowBuilder<TIn, TOut>> then,
        Func<WorkflowBuilder<TIn, TOut>, WorkflowBuilder<TIn, TOut>>? otherwise = null,
        [CallerArgumentExpression(nameof(condition))] string? label = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(then);
        var yes = Branch(Path, then);
        var no = otherwise is null ? Path.After(yes).Branch() : Branch(Path.After(yes), otherwise);
        return new(Path.After(no).Add(new IfNode<TIn>(condition, label, yes.ToParts(), no.ToParts())));
    }

    /// <summary>Repeats a body as long as a condition holds. The condition is checked before each pass, also the first.</summary>
    /// <remarks>
    /// Each pass yields its steps again, under new sequence numbers and the same names; results are those of the latest pass. The history
    /// grows with each pass, so a loop without a foreseeable end does not belong in one run of a workflow.
    /// </remarks>
    /// <param name="condition">
    /// The condition on the state so far. Nothing is stored: a replay evaluates it again, on the same values.
    /// </param>
    /// <param name="body">Continues the given empty builder with the body to repeat. It runs once, when the definition is built.</param>
    /// <param name="label">The condition's label in the diagram; by default the text of the expression.</param>
    /// <returns>The definition so far.</returns>
    /// <exception cref="InvalidOperationException">
    /// The body is empty, so nothing could end the loop, or it does not return a continuation of the builder it was given. A run also fails
    /// with it after 10,000 passes without a step.
    /// </exception>
    /// <exception cref="ArgumentException">A step's name in the body is used by another step.</exception>
    public WorkflowBuilder<TIn, TOut> While(
        Func<FlowState<TIn>, bool> condition,
        Func<WorkflowBuilder<TIn, TOut>, WorkflowBuilder<TIn, TOut>> body,
        [CallerArgumentExpression(nameof(condition))] string? label = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(body);
        var repeated = Branch(Path, body);
        return repeated.IsEmpty
            ? throw new InvalidOperationException(
                $"A While of workflow '{Path.WorkflowName}' has an empty body: without a step its condition could never change.")
            : new(Path.After(repeated).Add(new WhileNode<TIn>(condition, label, repeated.ToParts())));
    }

    /// <summary>Runs a body for each item of a list, each as its own step, and returns the results in the order of the items.</summary>
    /// <remarks>
    /// The steps have one name and are numbered in the order of the items, never in the order of completion. After a crash only the items
    /// without a stored outcome run again. When an item fails, the others' tokens are cancelled and the step waits for them; the outcome is
    /// the failure that is first in the order of the items. <see cref="StepBuilder{TIn,TOut,T}.Retry"/>,
    /// <see cref="StepBuilder{TIn,TOut,T}.Timeout"/> and <c>CompensateWith</c> apply to each item,
    /// <see cref="StepBuilder{TIn,TOut,T}.Try"/> to all of them together.
    /// </remarks>
    /// <param name="items">
    /// The items, read completely once per pass; a replay must find the same ones. An empty list completes at once.
    /// </param>
    /// <param name="name">The name of each item's step, unique in a definition. The rules are those of <see cref="Step{T}"/>.</param>
    /// <param name="body">The work for one item.</param>
    /// <param name="maxParallel">How many items run concurrently, at least 1; 1, one after the other, by default.</param>
    /// <typeparam name="TItem">Type of an item.</typeparam>
    /// <typeparam name="T">Type of one item's result; it must be serializable.</typeparam>
    /// <returns>The definition so far; modifiers that follow apply to these steps.</returns>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long, reserved, used by another step, or holds control characters.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxParallel"/> is less than 1.</exception>
    public StepBuilder<TIn, TOut, IReadOnlyList<T>> ForEach<TItem, T>(
        Func<FlowState<TIn>, IEnumerable<TItem>> items, string name, Func<TItem, StepState<TIn>, Task<T>> body, int maxParallel = 1)
    {
        ArgumentNullException.ThrowIfNull(items);
        Model.Names.CheckStepName(name, nameof(name));
        ArgumentNullException.ThrowIfNull(body);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxParallel, 1);
        return Continue<IReadOnlyList<T>>(
            name,
            NodeKind.Each,
            (flow, options) =>
            {
                var member = Member(name, flow, body, Compensation.ForOne<T>(options));
                return new AllOfStep<T>([.. Items(items(flow), name).Select(member)], maxParallel);
            },
            node => node with
            {
                Name = name,
                Facts = maxParallel == 1 ? "one at a time" : string.Create(CultureInfo.InvariantCulture, $"{maxParallel} at a time"),
                Code = [items, body],
            });
    }

    /// <summary>Fails the workflow with an exception of your own; a caller that awaits it gets the recorded form.</summary>
    /// <param name="exception">Makes the exception. It runs again on a replay.</param>
    /// <param name="label">The failure's label in the diagram; by default the text of the expression.</param>
    /// <returns>The definition so far; later parts of this path never run.</returns>
    public WorkflowBuilder<TIn, TOut> Fail(
        Func<FlowState<TIn>, Exception> exception, [CallerArgumentExpression(nameof(exception))] string? label = null)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new(Path.Add(new FailNode<TIn>(exception, label)));
    }

    /// <summary>Ends this path with a result; the definition itself ends with <see cref="Return"/> or <see cref="End"/>.</summary>
    /// <param name="result">Computes the result from the state so far; it runs last on this path.</param>
    /// <returns>The definition so far; later parts of this path never run.</returns>
    /// <exception cref="InvalidOperationException">The call is in a branch of a <see cref="Parallel"/>.</exception>
    public WorkflowBuilder<TIn, TOut> ReturnEarly(Func<FlowState<TIn>, TOut> result) => new(Returning(result, nameof(ReturnEarly)));

    /// <summary>Ends the definition with the workflow's result.</summary>
    /// <param name="result">Computes the result from the state so far; it runs last. A definition without steps only computes this.</param>
    /// <returns>The definition; it is immutable and may be registered with many engines.</returns>
    /// <exception cref="InvalidOperationException">The call is in a branch of a <see cref="Parallel"/>.</exception>
    public WorkflowDefinition<TIn, TOut> Return(Func<FlowState<TIn>, TOut> result) => Define(Returning(result, nameof(Return)));

    /// <summary>Ends a definition without a result. A definition that has a result type cannot end with it.</summary>
    /// <returns>The definition; it is immutable and may be registered with many engines.</returns>
    /// <exception cref="InvalidOperationException">
    /// The definition has a result type: end it with <see cref="Return"/>. Or the call is in a branch of a <see cref="Parallel"/>.
    /// </exception>
    public WorkflowDefinition<TIn, TOut> End()
    {
        RefuseInParallel(nameof(End));
        return typeof(TOut) == typeof(Unit)
            ? Define(Path)
            : throw new InvalidOperationException(
                $"Workflow '{Path.WorkflowName}' has a result of type {typeof(TOut).Name}: "
                + "end its definition with Return, or define it without a result type.");
    }

    private FlowPath<TIn> Returning(Func<FlowState<TIn>, TOut> result, string caller)
    {
        ArgumentNullException.ThrowIfNull(result);
        RefuseInParallel(caller);
        return Path.Add(new ReturnNode<TIn, TOut>(result));
    }

    private static WorkflowDefinition<TIn, TOut> Define(FlowPath<TIn> path)
    {
        var plan = path.ToPlan();
        var shape = new FlowShape<TIn>(plan, typeof(TOut));
        return new(path.WorkflowName, PayloadFormat.MessagePack, shape, (input, context) => new FlowBody<TIn>(plan, input, context));
    }

    private static FlowPath<TIn> Branch(FlowPath<TIn> before, Func<WorkflowBuilder<TIn, TOut>, WorkflowBuilder<TIn, TOut>> build)
    {
        var branch = before.Branch();
        var continued = build(new WorkflowBuilder<TIn, TOut>(branch))?.Path;
        return continued?.Scope == branch.Scope
            ? continued
            : throw new InvalidOperationException(
                $"A branch of workflow '{before.WorkflowName}' must return the builder it was given, continued: branch => branch.Step(…).");
    }

    private static IEnumerable<TItem> Items<TItem>(IEnumerable<TItem>? items, string name) =>
        items ?? throw new InvalidOperationException($"ForEach '{name}' was given null instead of items; none is an empty list.");

    private static Func<TItem, RunStep<T>> Member<TItem, T>(
        string name, FlowState<TIn> flow, Func<TItem, StepState<TIn>, Task<T>> body, RunStepOptions options) =>
        item => new RunStep<T>(name, step => body(item, new StepState<TIn>(flow, step)), options);
}
