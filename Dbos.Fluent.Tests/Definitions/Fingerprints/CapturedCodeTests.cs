using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

/// <summary>What a workflow's code captured counts where it is code, a result or a workflow; any other value does not.</summary>
public sealed class CapturedCodeTests
{
    [Fact]
    public void Which_child_a_captured_definition_names_counts()
    {
        static string Define(string child)
        {
            var called = Workflow.Declare<int, string>(child);
            return Workflow.Define<Order, int>("w").Then(x => Step.Call(called, x.Input.Amount)).Return(_ => 0).Fingerprint;
        }

        Assert.Equal(Define("a"), Define("a"));
        Assert.NotEqual(Define("a"), Define("b"));
    }

    [Fact]
    public void Which_child_an_iterator_is_given_counts()
    {
        static string Define(string child) =>
            Workflow.Define<Order>("w", new Parent(Workflow.Declare<int, string>(child)).Run).Fingerprint;

        Assert.Equal(Define("a"), Define("a"));
        Assert.NotEqual(Define("a"), Define("b"));
    }

    [Fact]
    public void Wrapped_code_counts_each_time_it_stands_somewhere()
    {
        static string Define(params Func<StepState<Order>, Task<int>>[] bodies)
        {
            WorkflowBuilder<Order, int> flow = Workflow.Define<Order, int>("w");
            foreach (var (at, body) in bodies.Index())
            {
                flow = flow.Step($"s{at}", x => body(x));
            }

            return flow.Return(_ => 0).Fingerprint;
        }

        static Task<int> One(StepState<Order> x) => Task.FromResult(1);
        static Task<int> Two(StepState<Order> x) => Task.FromResult(2);

        Assert.Equal(Define(One, Two, One), Define(One, Two, One));
        Assert.NotEqual(Define(One, Two, One), Define(One, Two, Two));
    }

    [Fact]
    public async Task Code_that_a_body_kept_for_itself_does_not_count()
    {
        static WorkflowDefinition<Order, int> Define()
        {
            Func<int>? kept = null;
            return Workflow.Define<Order, int>("w")
                .Step("first", _ => Task.FromResult((kept ??= () => 1)()))
                .Step("second", _ => Task.FromResult((kept ??= () => 1)()))
                .Return(_ => 0);
        }

        var before = Define().Fingerprint;
        var definition = Define();
        await BodyDriver.RunAsync(definition, Order.Large);

        Assert.NotEmpty(before);
        Assert.Equal(before, definition.Fingerprint);
    }

    [Fact]
    public void What_an_iterator_makes_its_steps_by_counts_where_a_class_overrides_it()
    {
        static string Define(Template flow) => Workflow.Define<Order>("w", flow.Run).Fingerprint;

        Assert.Equal(Define(new Quick()), Define(new Quick()));
        Assert.Equal(4, new Template[] { new Quick(), new Leisurely(), new Plain(), new AfterAll() }.Select(Define).Distinct().Count());
        Assert.Equal(Define(new Leisurely()), Define(new Inherits()));

        var code = new CodeText();
        code.Add(new AfterAll().Run);
        Assert.Contains("text of the maker", code.ToString());
    }

    // What a captured number or text is may be configured, and may change while the workflow runs.
    [Fact]
    public async Task Captured_values_do_not_count()
    {
        static WorkflowDefinition<Order, int> Define(int limit, string address)
        {
            var runs = 0;
            return Workflow.Define<Order, int>("w")
                .Step("s", x => Task.FromResult(x.Input.Amount > limit ? address.Length : ++runs)).Return(_ => limit);
        }

        var fingerprint = Define(int.MaxValue, "a").Fingerprint;
        var ran = Define(int.MaxValue, "a");
        await BodyDriver.RunAsync(ran, Order.Large);

        Assert.NotEmpty(fingerprint);
        Assert.Equal(fingerprint, ran.Fingerprint);
        Assert.Equal(fingerprint, Define(8, "b").Fingerprint);
    }

    private sealed class Parent(WorkflowDefinition<int, string> child)
    {
        public async IAsyncEnumerable<Step> Run(Order order, WorkflowContext workflow)
        {
            await Task.Yield();
            yield return Step.Call(child, order.Amount);
        }
    }

    private abstract class Template
    {
        public async IAsyncEnumerable<Step> Run(Order order, WorkflowContext workflow)
        {
            await Task.Yield();
            yield return Charge(order.Amount);
            yield return Pack();
        }

        protected abstract Step<int> Charge(int amount);

        protected virtual Step<int> Pack() => Elsewhere.Charging(0);
    }

    private class Plain : Template
    {
        protected override Step<int> Charge(int amount) => Step.Run("charge", _ => Task.FromResult(amount));
    }

    private sealed class Quick : Plain
    {
        protected override Step<int> Pack() => Step.Run("pack", _ => Task.FromResult(1));
    }

    private class Leisurely : Template
    {
        protected override Step<int> Charge(int amount) => Step.Run("charge late", _ => Task.FromResult(amount));
    }

    private sealed class AfterAll : Plain
    {
        protected override Step<int> Pack() => base.Pack().Try(out _);
    }

    private sealed class Inherits : Leisurely;
}
