using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class GroupDescriptorTests
{
    private static readonly WorkflowDefinition<int, string> Child = Workflow.Define<int, string>("child").Return(x => $"{x.Input}");

    [Fact]
    public void Several_starts_take_a_number_each_and_have_options_of_their_own()
    {
        var start = Step.StartMany(Child, [1, 2, 3], input => new StartOptions { Id = $"c{input}" });

        var described = (IStartManyStep)start;
        Assert.Equal(("child", 3), (start.Name, start.Slots));
        Assert.Equal(["1 c1", "2 c2", "3 c3"], described.Starts.Select(child => $"{child.Input} {child.Options.Id}"));
        Assert.Same(Child, described.Definition);
        Assert.Equal([new StartOptions()], ((IStartManyStep)Step.StartMany(Child, [1])).Starts.Select(child => child.Options));
        Assert.Equal(0, Step.StartMany(Child, []).Slots);
    }

    [Fact]
    public void Several_starts_give_handles_in_the_order_listed()
    {
        var start = Step.StartMany(Child, [1, 2]).As(out var handles);
        start.Bind(new object());

        ((IStartManyStep)start).CompleteWithHandles(["a", "b"], NoOutcomes.Instance);

        Assert.Equal(["a", "b"], handles.Result.Select(handle => handle.Id));
    }

    [Fact]
    public void Several_awaits_are_a_group_of_awaits()
    {
        var all = Step.AwaitAll([Handle("a"), Handle("b")]);

        Assert.Equal(2, all.Slots);
        Assert.Equal(["a", "b"], ((IAllStep)all).Members.Select(member => ((IAwaitStep)member).WorkflowId));
        Assert.All(((IAllStep)all).Members, member => Assert.Equal("DBOS.getResult", member.Name));
    }

    [Fact]
    public void The_first_of_several_workflows_is_one_step()
    {
        var first = Step.AwaitAny([Handle("a"), Handle("b")]);

        Assert.Equal(("DBOS.waitFirst", 1), (first.Name, first.Slots));
        Assert.Equal(["a", "b"], ((IAwaitAnyStep)first).WorkflowIds);
        Assert.Throws<ArgumentException>(() => Step.AwaitAny([]));
        Assert.Throws<ArgumentNullException>(() => Step.AwaitAny([null!]));
    }

    [Fact]
    public void Any_takes_the_numbers_of_its_members_and_one_more()
    {
        var any = Step.Any(Step.Sleep(default), Step.Receive<int>(), Step.Any(Step.Call(Child, 1)));

        Assert.Equal(("Dbos.Fluent.any", 1 + 2 + 3 + 1), (any.Name, any.Slots));
        Assert.Equal(3, ((IAnyStep)any).Members.Count);
        Assert.StartsWith("Step.Any needs at least one step.", Assert.Throws<ArgumentException>(() => Step.Any()).Message);
        Assert.Throws<ArgumentNullException>(() => Step.Any(Step.Sleep(default), null!));
    }

    [Fact]
    public void A_descriptor_listed_twice_is_two_members_with_results_of_their_own()
    {
        var step = Step.Run("s", _ => Task.FromResult(0));
        var any = (IAnyStep)Bound(Step.Any(step, step));

        any.Members[0].Complete(1);
        any.Members[1].Complete(2);

        Assert.Equal((1, 2, 2), (((Step<int>)any.Members[0]).Result, ((Step<int>)any.Members[1]).Result, step.Result));
    }

    [Fact]
    public void Failures_are_data_where_outcomes_are_asked_for()
    {
        var good = Step.Run("good", _ => Task.FromResult(1));
        var bad = Step.Run("bad", _ => Task.FromResult(2));
        var all = Bound(Step.AllOutcomes([good, bad]));

        Assert.All(((IAllStep)all).Members, member => Assert.True(member.Tolerant));
        ((IAllStep)all).Members[0].Complete(5);
        var failure = Failures.Record(new NotSupportedException("declined"));
        ((IAllStep)all).Members[1].Fail(failure, Failures.ForStep(failure, "w", 1, "bad"));
        ((IAllStep)all).Gather();

        Assert.Equal([new(true, 5, null), new(false, 0, failure)], all.Result);
        Assert.Equal((5, failure), (good.Result, bad.Error));
        Assert.False(good.Tolerant);
    }

    public static TheoryData<Func<RunStep<int>, Step>> Chains => new()
    {
        step => step.CompensateWith(Undo).Retry(5).Timeout(TimeSpan.FromSeconds(1)).As(out _).Try(out _),
        step => step.Retry(5).CompensateWith(Undo).Try(out _).Timeout(TimeSpan.FromSeconds(1)),
        step => step.Try(out _).As(out _).Timeout(TimeSpan.FromSeconds(1)).Retry(5).CompensateWith(Undo),
        step => step.Timeout(TimeSpan.FromSeconds(1)).CompensateWith(_ => throw new NotSupportedException()).Retry(5).Try(out _)
            .CompensateWith(Undo),
        step => step.CompensateWith(Undo).Try(out _).Overlay(
            RunStepOptions.Default with { Retry = RetryOptions.Create("s", 5, null, 2, null, null, 0), Timeout = TimeSpan.FromSeconds(1) }),
    };

    [Theory]
    [MemberData(nameof(Chains))]
    public async Task An_undo_goes_with_the_other_modifiers_in_any_order(Func<RunStep<int>, Step> chain)
    {
        undone.Value = [];
        var step = chain(Step.Run("s", _ => Task.FromResult(1)));

        await ((ICompensableStep)step).Undo!(null!, 7);

        Assert.Equal([7], undone.Value);
        Assert.Equal((5, TimeSpan.FromSeconds(1)), (((IRunStep)step).Options.Retry?.Attempts, ((IRunStep)step).Options.Timeout));
        Assert.True(step.Tolerant);
    }

    [Fact]
    public async Task A_call_can_be_undone()
    {
        var got = "";
        var call = Step.Call(Child, 1);
        var undoing = call.CompensateWith((_, result) => Task.FromResult(got = result)).Try(out _).As(out _);

        await ((ICompensableStep)undoing).Undo!(null!, "done");

        Assert.Equal("done", got);
        Assert.Null(((ICompensableStep)call).Undo);
        Assert.NotNull(((ICompensableStep)call.CompensateWith(_ => Task.CompletedTask)).Undo);
    }

    [Fact]
    public void Nothing_is_undone_unless_asked()
    {
        Assert.Null(((ICompensableStep)Step.Run("s", _ => Task.CompletedTask)).Undo);
        Assert.Throws<ArgumentNullException>(() => Step.Run("s", _ => Task.CompletedTask).CompensateWith((Func<StepContext, Task>)null!));
    }

    [Fact]
    public async Task An_undo_that_returns_no_task_is_told_so()
    {
        var step = (ICompensableStep)Step.Run("s", _ => Task.CompletedTask).CompensateWith(_ => null!);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => step.Undo!(null!, default(Unit)));

        Assert.Contains("undo of step 's'", error.Message);
    }

    private static readonly AsyncLocal<List<int>> undone = new();

    private static Task Undo(StepContext context, int result)
    {
        undone.Value!.Add(result);
        return Task.CompletedTask;
    }

    private static WorkflowHandle<string> Handle(string id) => new(id, NoOutcomes.Instance);

    private static TStep Bound<TStep>(TStep step)
        where TStep : Step
    {
        step.Bind(new object());
        return step;
    }
}
