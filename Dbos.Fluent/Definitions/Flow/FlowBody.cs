using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>A body that runs a fluent definition: it walks the parts and yields what an iterator would.</summary>
/// <remarks>It keeps the places it has entered on its own stack, so a yield inside a branch costs no more than one outside.</remarks>
internal sealed class FlowBody<TIn> : IWorkflowBody
{
    // A loop that never yields would hold a thread forever; no real loop makes so many passes without a step.
    private const int PassesWithoutStepMax = 10_000;

    private readonly Stack<Place> places = new();
    private readonly FlowState<TIn> state;
    private readonly string workflowName;
    private StepKey? yielded;
    private PatchNode<TIn>? patched;
    private int passesWithoutStep;

    public FlowBody(FlowPlan<TIn> plan, TIn input, WorkflowContext context)
        : this(plan.WorkflowName, plan.Parts, new FlowState<TIn>(input, context, new FlowResults(plan.WorkflowName, plan.Steps)))
    {
    }

    private FlowBody(string workflowName, ImmutableArray<FlowNode<TIn>> parts, FlowState<TIn> state)
    {
        (this.workflowName, this.state) = (workflowName, state);
        places.Push(new Place(parts, 0));
    }

    public Step? Step { get; private set; }

    public object? Result { get; private set; } = default(Unit);

    public bool IsAtItsEnd
    {
        get
        {
            foreach (var place in places)
            {
                if (place.Next < place.Parts.Length)
                {
                    return place.Parts[place.Next] is ReturnNode<TIn>;
                }
            }

            return true;
        }
    }

    public ValueTask<bool> MoveNextAsync()
    {
        // Kept only when the run continues: until then the step's own body reads its latest earlier result.
        if (yielded is not null)
        {
            state.Keep(yielded, Step!);
        }

        if (patched is not null)
        {
            places.Push(new Place(((PatchStep)Step!).Result ? patched.Patched : patched.Before, 0));
        }

        // A step that took no number, such as an empty group or branches without a step, does not advance a loop around it.
        passesWithoutStep = Step is { Slots: 0 } ? passesWithoutStep : 0;
        (yielded, patched, Step) = (null, null, null);
        return ValueTask.FromResult(Advance());
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private bool Advance()
    {
        while (places.TryPop(out var place))
        {
            if (place.Next == place.Parts.Length)
            {
                continue;
            }

            switch (place.Parts[place.Next])
            {
                case StepNode<TIn> step:
                    places.Push(place.AfterThis());
                    (Step, yielded) = (step.Make(state), step.Key);
                    return true;
                case IfNode<TIn> choice:
                    places.Push(place.AfterThis());
                    places.Push(new Place(choice.Condition(state) ? choice.Then : choice.Otherwise, 0));
                    break;
                case WhileNode<TIn> loop:
                    Pass(loop, place);
                    break;
                case ParallelNode<TIn> parallel:
                    places.Push(place.AfterThis());
                    Step = new ParallelStep([.. parallel.Branches.Select(Open)]);
                    return true;
                case PatchNode<TIn> patch:
                    places.Push(place.AfterThis());
                    (Step, patched) = (new PatchStep(patch.Name), patch);
                    return true;
                case ContinueNode<TIn> again:
                    places.Clear();
                    Step = new ContinueAsNewStep(again.Input(state), typeof(TIn));
                    return true;
                case FailNode<TIn> fail:
                    throw fail.Exception(state)
                        ?? new InvalidOperationException($"Fail of workflow '{workflowName}' was given null instead of an exception.");
                case ReturnNode<TIn> end:
                    places.Clear();
                    Result = end.Evaluate(state);
                    return true;
                case var unknown:
                    throw new System.Diagnostics.UnreachableException($"Unknown part {unknown.GetType().Name}.");
            }
        }

        return false;
    }

    private ParallelBranch Open(FlowBranch<TIn> branch) =>
        new(branch.Name, context => new FlowBody<TIn>(workflowName, branch.Parts, state.With(context)));

    private void Pass(WhileNode<TIn> loop, Place place)
    {
        if (!loop.Condition(state))
        {
            places.Push(place.AfterThis());
            return;
        }

        if (++passesWithoutStep > PassesWithoutStepMax)
        {
            throw new InvalidOperationException(
                $"Workflow '{workflowName}' passed {PassesWithoutStepMax} times through a While without a step: "
                + $"its condition ({FlowText.Title(loop.Label, otherwise: "not named")}) never becomes false.");
        }

        places.Push(place);
        places.Push(new Place(loop.Body, 0));
    }

    /// <summary>A list of parts that has been entered, and the index of the next part.</summary>
    private readonly record struct Place(ImmutableArray<FlowNode<TIn>> Parts, int Next)
    {
        public Place AfterThis() => this with { Next = Next + 1 };
    }
}
