namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

/// <summary>Which of its steps a fluent definition reads is part of it, though the code that reads is the same.</summary>
public sealed class ResultReadTests
{
    [Fact]
    public void Which_result_is_read_counts_wherever_it_is_read()
    {
        var begin = Begin(out var a, out var b);

        Differ(begin.Return(x => x.Get(a)), begin.Return(x => x.Get(b)));
        Differ(begin.Return(x => x.Get(a) - x.Get(b)), begin.Return(x => x.Get(b) - x.Get(a)));
        Differ(begin.ReturnEarly(x => x.Get(a)), begin.ReturnEarly(x => x.Get(b)));
        Differ(begin.If(x => x.Get(a) > 0, More), begin.If(x => x.Get(b) > 0, More));
        Differ(begin.While(x => x.Get(a) > 0, More), begin.While(x => x.Get(b) > 0, More));
        Differ(begin.Sleep(x => TimeSpan.FromDays(x.Get(a))), begin.Sleep(x => TimeSpan.FromDays(x.Get(b))));
        Differ(begin.ForEach(x => Items(x.Get(a)), "each", Item), begin.ForEach(x => Items(x.Get(b)), "each", Item));
        Differ(begin.Step("c", x => Elsewhere.ChargeAsync(x.Get(a))), begin.Step("c", x => Elsewhere.ChargeAsync(x.Get(b))));
        Differ(begin.Then(x => Elsewhere.Charging(x.Get(a)), "c"), begin.Then(x => Elsewhere.Charging(x.Get(b)), "c"));
        Differ(begin.Call(Child, x => x.Get(a)), begin.Call(Child, x => x.Get(b)));
        Differ(begin.Send(_ => "w", x => x.Get(a)), begin.Send(_ => "w", x => x.Get(b)));
        Differ(begin.Fail(x => new TimeoutException($"{x.Get(a)}")), begin.Fail(x => new TimeoutException($"{x.Get(b)}")));
        Differ(
            begin.CompensateWith(x => Elsewhere.ChargeAsync(-x.Get(a))), begin.CompensateWith(x => Elsewhere.ChargeAsync(-x.Get(b))));
        Differ(
            begin.Then(x => Step.All(Items(3).Select(item => Elsewhere.Charging(item + x.Get(a)))), "c"),
            begin.Then(x => Step.All(Items(3).Select(item => Elsewhere.Charging(item + x.Get(b)))), "c"));
    }

    [Fact]
    public void Which_child_is_awaited_counts()
    {
        var begin = Workflow.Define<Order, string>("w").Start(Child, _ => 1).As(out var a).Start(Child, _ => 1).As(out var b);

        Assert.NotEqual(
            begin.Await(a).As(out var ofA).Return(x => x.Get(ofA)).Fingerprint,
            begin.Await(b).As(out var ofB).Return(x => x.Get(ofB)).Fingerprint);
    }

    [Fact]
    public void Which_result_counts_where_one_lambda_reads_any()
    {
        static string Define(params int[] read)
        {
            WorkflowBuilder<Order, int> flow = Begin(out var a, out var b);
            ResultOf<int>[] results = [a, b];
            for (var at = 0; at < read.Length; at++)
            {
                var result = results[read[at]];
                flow = flow.Step($"read {at}", x => Elsewhere.ChargeAsync(x.Get(result)));
            }

            return flow.Return(_ => 0).Fingerprint;
        }

        Assert.Equal(Define(0, 1, 0), Define(0, 1, 0));
        Assert.Equal(4, new[] { Define(0, 1, 0), Define(0, 1, 1), Define(1, 0, 0), Define(1, 0, 1) }.Distinct().Count());
    }

    [Fact]
    public void Which_result_counts_behind_other_code()
    {
        static string Define(bool first)
        {
            var begin = Begin(out var a, out var b);
            var result = first ? a : b;
            Func<FlowState<Order>, int> read = x => x.Get(result);
            return begin.Return(x => read(x)).Fingerprint;
        }

        Assert.Equal(Define(true), Define(true));
        Assert.NotEqual(Define(true), Define(false));
    }

    [Fact]
    public void Which_results_are_in_a_list_counts()
    {
        static string Define(Func<ResultOf<int>, ResultOf<int>, IReadOnlyList<ResultOf<int>>> list)
        {
            var begin = Begin(out var a, out var b);
            var results = list(a, b);
            return begin.Return(x => results.Select(x.Get).Aggregate((one, other) => one - other)).Fingerprint;
        }

        Assert.Equal(Define((a, b) => [a, b]), Define((a, b) => new List<ResultOf<int>> { a, b }));
        Assert.NotEqual(Define((a, b) => [a, b]), Define((a, b) => [b, a]));
        Assert.NotEqual(Define((a, _) => [a]), Define((_, b) => [b]));
        Assert.NotEqual(Define((a, _) => [a]), Define((a, b) => [a, b]));
    }

    [Fact]
    public void Which_result_counts_where_an_object_holds_them()
    {
        Assert.Equal(new InFields().Define(first: true), new InFields().Define(first: true));
        Assert.NotEqual(new InFields().Define(first: true), new InFields().Define(first: false));
        Assert.NotEqual(new InFields().Define(first: true, factor: 2), new InFields().Define(first: false, factor: 2));
    }

    [Fact]
    public void A_definition_that_is_built_again_keeps_its_fingerprint_whatever_was_built_between()
    {
        static string Define()
        {
            var begin = Begin(out var a, out var b);
            return begin.If(x => x.Get(b) > 1, yes => yes.Step("c", x => Elsewhere.ChargeAsync(x.Get(a))))
                .Return(x => x.Get(b)).Fingerprint;
        }

        var before = Define();
        var between = Workflow.Define<Order>("other").Step("s", _ => Elsewhere.ChargeAsync(1)).As(out var other)
            .Sleep(x => TimeSpan.FromDays(x.Get(other))).End();

        Assert.NotEmpty(before);
        Assert.NotEmpty(between.Fingerprint);
        Assert.Equal(before, Define());
    }

    [Fact]
    public void A_result_that_only_other_code_reads_does_not_count()
    {
        static string Define(bool first)
        {
            var begin = Begin(out var a, out var b);
            var (mine, others) = (a, first ? a : b);
            _ = begin.Return(x => x.Get(others));
            return begin.Return(x => x.Get(mine)).Fingerprint;
        }

        Assert.Equal(Define(true), Define(false));
    }

    private static WorkflowDefinition<int, string> Child { get; } = Workflow.Declare<int, string>("child");

    private static StepBuilder<Order, int, int> Begin(out ResultOf<int> a, out ResultOf<int> b) =>
        Workflow.Define<Order, int>("w")
            .Step("a", _ => Elsewhere.ChargeAsync(1)).As(out a)
            .Step("b", _ => Elsewhere.ChargeAsync(2)).As(out b);

    private static WorkflowBuilder<Order, int> More(WorkflowBuilder<Order, int> flow) => flow.Step("more", _ => Task.CompletedTask);

    private static IEnumerable<int> Items(int count) => Enumerable.Range(0, count);

    private static Task<int> Item(int item, StepState<Order> x) => Task.FromResult(item);

    private static void Differ(WorkflowBuilder<Order, int> one, WorkflowBuilder<Order, int> other) =>
        Differ(one.Return(_ => 0), other.Return(_ => 0));

    private static void Differ(WorkflowDefinition<Order, int> one, WorkflowDefinition<Order, int> other)
    {
        Assert.NotEmpty(one.Fingerprint);
        Assert.NotEqual(one.Fingerprint, other.Fingerprint);
    }

    private sealed class InFields
    {
        private ResultOf<int>? result;

        public string Define(bool first)
        {
            var begin = Begin(out var a, out var b);
            result = first ? a : b;
            return begin.Return(x => x.Get(result)).Fingerprint;   // Captures this object alone.
        }

        public string Define(bool first, int factor)
        {
            var begin = Begin(out var a, out var b);
            result = first ? a : b;
            return begin.Return(x => x.Get(result) * factor).Fingerprint;
        }
    }
}
