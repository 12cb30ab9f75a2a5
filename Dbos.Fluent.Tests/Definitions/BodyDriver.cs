using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Tests.Definitions;

/// <summary>Drives a body as an engine does, without storing anything: gives each step its outcome and notes what was yielded.</summary>
internal sealed class BodyDriver
{
    private readonly object run = new();
    private readonly Stack<(Func<StepContext, object?, Task> Undo, object? Result)> undos = new();
    private int sequence;

    /// <summary>The steps yielded, members of a group included, in order.</summary>
    public List<Step> Yielded { get; } = [];

    public IReadOnlyList<string> Names =>
        [.. Yielded.Where(step => step is not (IAllStep or IAnyStep or IParallelStep)).Select(step => step.Name)];

    /// <summary>What a step without a body of the user's gives.</summary>
    public Func<Step, object?> BuiltIn { get; init; } = _ => default(Unit);

    public bool Returned { get; private set; }

    public static async Task<TOut> RunAsync<TIn, TOut>(WorkflowDefinition<TIn, TOut> definition, TIn input) =>
        await new BodyDriver().DriveAsync(definition, input);

    public async Task<TOut> DriveAsync<TIn, TOut>(WorkflowDefinition<TIn, TOut> definition, TIn input)
    {
        await using var body = definition.Open(input, new WorkflowContext(new FixedFacts()));
        while (await body.MoveNextAsync())
        {
            if (body.Step is not { } step)
            {
                Returned = true;
                break;
            }

            await ExecuteAsync(step);
        }

        return (TOut)body.Result!;
    }

    /// <summary>Undoes what has completed, the newest first.</summary>
    public async Task UndoAsync()
    {
        while (undos.TryPop(out var next))
        {
            await next.Undo(Attempt(), next.Result);
        }
    }

    private async Task ExecuteAsync(Step step)
    {
        Yielded.Add(step);
        step.Bind(run);
        try
        {
            switch (step)
            {
                case IAllStep all:
                    foreach (var member in all.Members)
                    {
                        await ExecuteAsync(member);
                    }

                    all.Gather();
                    break;
                case IAnyStep any:
                    await ExecuteAsync(any.Members[0]);
                    step.Complete(0);
                    break;
                case IParallelStep parallel:
                    parallel.SlotsTaken = await RunBranchesAsync(parallel);
                    step.Complete(default(Unit));
                    break;
                case IRunStep withBody:
                    Complete(step, await withBody.InvokeAsync(Attempt()));
                    break;
                default:
                    sequence += step.Slots;
                    Complete(step, BuiltIn(step));
                    break;
            }
        }
        catch (Exception exception) when (step.Tolerant)
        {
            var failure = Failures.Record(exception);
            step.Fail(failure, Failures.ForStep(failure, "w", sequence, step.Name));
        }
    }

    // One step of each branch in turn.
    private async Task<int> RunBranchesAsync(IParallelStep parallel)
    {
        var first = sequence;
        var open = parallel.Branches.Select(branch => branch.Open(new WorkflowContext(new FixedFacts()))).ToList();
        while (open.Count > 0)
        {
            foreach (var branch in open.ToArray())
            {
                if (await branch.MoveNextAsync())
                {
                    await ExecuteAsync(branch.Step!);
                }
                else
                {
                    open.Remove(branch);
                }
            }
        }

        return sequence - first;
    }

    private void Complete(Step step, object? result)
    {
        step.Complete(result);
        if (step is ICompensableStep { Undo: { } undo })
        {
            undos.Push((undo, result));
        }
    }

    private StepContext Attempt() =>
        new(new StepAttempt("w", sequence, $"w:{sequence++}", 1, 1)
        {
            CancellationToken = TestContext.Current.CancellationToken,
            Reason = () => CancellationReason.None,
            Services = new StepServices(NoServices.Instance),

            // The bodies driven here reach for nothing outside of their workflow.
            Outlet = null!,
            Workflows = null!,
        });

    private sealed class NoServices : IServiceProvider
    {
        public static NoServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }
}
