namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that consist of a few built-in steps.</summary>
internal static class Flows
{
    /// <summary>Runs one step and gives its result; made anew for each run, as a descriptor belongs to one.</summary>
    public static WorkflowDefinition<Unit, T> One<T>(string name, Func<Step<T>> make)
    {
        return Workflow.Define<Unit, T>(name, Body);

        async IAsyncEnumerable<StepOr<T>> Body(Unit input, WorkflowContext workflow)
        {
            yield return make().As(out var step);
            yield return StepOr.Result(step.Result);
        }
    }

    /// <summary>Runs steps one after the other.</summary>
    public static WorkflowDefinition<Unit, Unit> Series(string name, Func<IEnumerable<Step>> make)
    {
        return Workflow.Define<Unit>(name, Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            foreach (var step in make())
            {
                yield return step;
            }
        }
    }

    /// <summary>Receives so many messages of a topic, one after the other.</summary>
    public static WorkflowDefinition<int, IReadOnlyList<T>> Receiver<T>(string? topic = null)
    {
        return Workflow.Define<int, IReadOnlyList<T>>("receiver", Body);

        async IAsyncEnumerable<StepOr<IReadOnlyList<T>>> Body(int count, WorkflowContext workflow)
        {
            var received = new T[count];
            for (var i = 0; i < count; i++)
            {
                yield return Step.Receive<T>(topic).As(out var message);
                received[i] = message.Result;
            }

            yield return StepOr.Result<IReadOnlyList<T>>(received);
        }
    }

    /// <summary>A workflow that ends at once, to be sent to.</summary>
    public static WorkflowDefinition<Unit, Unit> Nothing() => Series("nothing", () => []);
}
