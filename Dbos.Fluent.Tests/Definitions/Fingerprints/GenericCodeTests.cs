namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

/// <summary>What a generic class or method is made for is part of the workflow that uses it.</summary>
public sealed class GenericCodeTests
{
    private interface IRate
    {
        static abstract int Rate { get; }
    }

    [Fact]
    public void The_arguments_of_the_class_that_an_iterator_stands_in_count()
    {
        Assert.Equal(Of(Flows<Fast>.Run), Of(Flows<Fast>.Run));
        Assert.NotEqual(Of(Flows<Fast>.Run), Of(Flows<Slow>.Run));
        Assert.NotEqual(Of(Flows<Fast>.Inner.Run), Of(Flows<Slow>.Inner.Run));
    }

    [Fact]
    public void The_arguments_of_the_class_that_makes_a_step_count()
    {
        Assert.Equal(Of(Quick), Of(QuickAgain));
        Assert.NotEqual(Of(Quick), Of(Leisurely));
    }

    [Fact]
    public void The_arguments_of_the_class_that_a_body_stands_in_count()
    {
        static string Define(Func<StepState<Order>, Task<int>> body) =>
            Workflow.Define<Order, int>("w").Step("s", body).Return(_ => 0).Fingerprint;

        Assert.Equal(Define(Flows<Fast>.ChargeAsync), Define(Flows<Fast>.ChargeAsync));
        Assert.NotEqual(Define(Flows<Fast>.ChargeAsync), Define(Flows<Slow>.ChargeAsync));
    }

    [Fact]
    public void The_arguments_of_the_method_that_builds_a_definition_count()
    {
        Assert.Equal(Define<Fast>(1), Define<Fast>(1));
        Assert.NotEqual(Define<Fast>(1), Define<Slow>(1));
    }

    private static string Define<T>(int more)
        where T : IRate =>
        Workflow.Define<Order, int>("w").Step("s", _ => Task.FromResult(T.Rate)).Return(_ => more).Fingerprint;

    private static string Of(Func<Order, WorkflowContext, IAsyncEnumerable<StepOr<int>>> body)
    {
        var fingerprint = Workflow.Define<Order, int>("w", body).Fingerprint;
        Assert.NotEmpty(fingerprint);
        return fingerprint;
    }

    private static async IAsyncEnumerable<StepOr<int>> Quick(Order order, WorkflowContext workflow)
    {
        await Task.Yield();
        yield return Flows<Fast>.Make();
        yield return 0;
    }

    private static async IAsyncEnumerable<StepOr<int>> QuickAgain(Order order, WorkflowContext workflow)
    {
        await Task.Yield();
        yield return Flows<Fast>.Make();
        yield return 0;
    }

    private static async IAsyncEnumerable<StepOr<int>> Leisurely(Order order, WorkflowContext workflow)
    {
        await Task.Yield();
        yield return Flows<Slow>.Make();
        yield return 0;
    }

    private static class Flows<T>
        where T : IRate
    {
        public static async IAsyncEnumerable<StepOr<int>> Run(Order order, WorkflowContext workflow)
        {
            await Task.Yield();
            yield return Make();
            yield return T.Rate;
        }

        public static Step<int> Make() => Step.Run("charge", _ => Task.FromResult(T.Rate));

        public static Task<int> ChargeAsync(StepState<Order> x) => Task.FromResult(T.Rate * x.Input.Amount);

        public static class Inner
        {
            public static async IAsyncEnumerable<StepOr<int>> Run(Order order, WorkflowContext workflow)
            {
                await Task.Yield();
                yield return T.Rate;
            }
        }
    }

    private sealed class Fast : IRate
    {
        public static int Rate => 2;
    }

    private sealed class Slow : IRate
    {
        public static int Rate => 1;
    }
}
