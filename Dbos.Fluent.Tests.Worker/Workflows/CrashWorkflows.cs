using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Worker.Workflows;

/// <summary>
/// The workflows that crash tests run, in workers and in the test process alike: every step notes its effect in the ledger.
/// </summary>
/// <param name="ledger">Where effects are noted.</param>
/// <param name="reach">Called with points inside bodies and steps; it may hold them.</param>
internal sealed partial class CrashWorkflows(Ledger ledger, Func<string, Task> reach)
{
    public const int SpacedSteps = 5;

    private static readonly TimeSpan RetryWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Space = TimeSpan.FromMilliseconds(200);

    public CrashWorkflows(Ledger ledger)
        : this(ledger, _ => Task.CompletedTask)
    {
    }

    /// <summary>Three steps; the result says which process ran each.</summary>
    public WorkflowDefinition<int, string> Steps => field ??= Workflow.Define<int, string>("steps", RunSteps);

    /// <summary>A step that fails when it is first run, and then waits for its next attempt.</summary>
    public WorkflowDefinition<int, string> Retrying => field ??= Workflow.Define<int, string>("retrying", RunRetrying);

    /// <summary>A step, a durable sleep of so many milliseconds, a step.</summary>
    public WorkflowDefinition<int, string> Sleeping => field ??= Workflow.Define<int, string>("sleeping", RunSleeping);

    /// <summary>A step, a child with a step of its own, a step.</summary>
    public WorkflowDefinition<int, string> Parent => field ??= Workflow.Define<int, string>("parent", RunParent);

    public WorkflowDefinition<int, string> Child => field ??= Workflow.Define<int, string>("child", RunChild);

    /// <summary>As many steps at once as the input says, then one more.</summary>
    public WorkflowDefinition<int, string> Group => field ??= Workflow.Define<int, string>("group", RunGroup);

    /// <summary>As many steps as the input says, one after the other; the result is how many.</summary>
    public WorkflowDefinition<int, int> Chain => field ??= Workflow.Define<int, int>("chain", RunChain);

    /// <summary>Five steps with durable pauses between, so that it lasts however fast the machine is; the result is the square.</summary>
    public WorkflowDefinition<int, int> Spaced => field ??= Workflow.Define<int, int>("spaced", RunSpaced);

    /// <summary>A step in each of as many generations as the input is short of two.</summary>
    public WorkflowDefinition<int, string> Again => field ??= Workflow.Define<int, string>("again")
        .Then(x => Effect($"effect {x.Input}")).As(out var effect)
        .If(x => x.Input < 2, again => again.ContinueAsNew(x => x.Input + 1))
        .Return(x => x.Get(effect));

    public WorkflowDefinition[] All =>
    [
        Again, Steps, Retrying, Sleeping, Parent, Child, Group, Chain, FailingWorkflow.Definition, Saga, Branches, Race, Receiving,
        Spaced, Streaming, Ticked, Told, Waiting,
    ];

    public WorkflowDefinition<int, string> Named(string name) =>
        (WorkflowDefinition<int, string>)All.Single(definition => definition.Name == name);

    private async IAsyncEnumerable<StepOr<string>> RunSteps(int input, WorkflowContext workflow)
    {
        yield return Effect("one").As(out var one);
        await reach("before step two");
        yield return Effect("two").As(out var two);
        yield return Effect("three").As(out var three);
        yield return string.Join(',', one.Result, two.Result, three.Result);
    }

    private async IAsyncEnumerable<StepOr<string>> RunRetrying(int input, WorkflowContext workflow)
    {
        yield return Step.Run("flaky", async step =>
        {
            var first = ledger.Count(step.WorkflowId, "flaky") == 0;
            var effect = await EffectAsync("flaky", step);
            return first ? throw new InvalidOperationException("The first run fails.") : effect;
        }).Retry(attempts: 3, delay: RetryWait).As(out var flaky);
        yield return flaky.Result;
    }

    private async IAsyncEnumerable<StepOr<string>> RunSleeping(int input, WorkflowContext workflow)
    {
        yield return Effect("one");
        yield return Step.Sleep(TimeSpan.FromMilliseconds(input));
        yield return Effect("two").As(out var two);
        yield return two.Result;
    }

    private async IAsyncEnumerable<StepOr<string>> RunParent(int input, WorkflowContext workflow)
    {
        yield return Effect("one");
        yield return Step.Call(Child, input).As(out var child);
        yield return Effect("two");
        yield return child.Result;
    }

    private async IAsyncEnumerable<StepOr<string>> RunChild(int input, WorkflowContext workflow)
    {
        yield return Effect("child one").As(out var one);
        yield return one.Result;
    }

    private async IAsyncEnumerable<StepOr<string>> RunGroup(int input, WorkflowContext workflow)
    {
        yield return Step.All(Enumerable.Range(0, input).Select(number => Effect($"member {number}")));
        yield return Effect("after").As(out var after);
        yield return after.Result;
    }

    private async IAsyncEnumerable<StepOr<int>> RunChain(int input, WorkflowContext workflow)
    {
        for (var number = 0; number < input; number++)
        {
            yield return Effect($"{number}");
        }

        yield return input;
    }

    private async IAsyncEnumerable<StepOr<int>> RunSpaced(int input, WorkflowContext workflow)
    {
        for (var number = 0; number < SpacedSteps; number++)
        {
            if (number > 0)
            {
                yield return Step.Sleep(Space);
            }

            yield return Effect($"{number}");
        }

        yield return input * input;
    }

    private Step<string> Effect(string name) => Step.Run(name, step => EffectAsync(name, step));

    private async Task<string> EffectAsync(string name, StepContext step)
    {
        await reach("inside " + name);
        ledger.Add(step.WorkflowId, name);
        await reach("after effect " + name);
        return $"{Environment.ProcessId}";
    }
}
