using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class StepDescriptorTests
{
    private static readonly object Run = new();

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("a\nb")]
    [InlineData("DBOS.sleep")]
    [InlineData("Dbos.Fluent.any")]
    public void A_name_that_is_blank_or_reserved_is_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => Step.Run(name, _ => Task.FromResult(1)));
        Assert.Throws<ArgumentException>(() => Step.Run(name, _ => Task.CompletedTask));
    }

    [Theory]
    [InlineData("dbos.sleep")]
    [InlineData("DBOS")]
    [InlineData("My.DBOS.sleep")]
    [InlineData("日本語 🚀")]
    public void A_name_that_only_looks_reserved_is_taken(string name) => Assert.Equal(name, Step.Run(name, _ => Task.CompletedTask).Name);

    [Fact]
    public void A_name_has_at_most_255_characters()
    {
        Step.Run(new string('x', 255), _ => Task.CompletedTask);

        Assert.Throws<ArgumentException>(() => Step.Run(new string('x', 256), _ => Task.CompletedTask));
        Assert.Throws<ArgumentNullException>(() => Step.Run(null!, _ => Task.CompletedTask));
        Assert.Throws<ArgumentNullException>(() => Step.Run("s", (Func<StepContext, Task>)null!));
    }

    [Fact]
    public void Retry_is_three_attempts_a_second_doubling_and_an_hour_unless_told_otherwise()
    {
        var retry = Options(Step.Run("s", _ => Task.CompletedTask).Retry()).Retry!;

        Assert.Equal(new RetryOptions(3, TimeSpan.FromSeconds(1), 2.0, TimeSpan.FromHours(1), null, 0), retry);
        Assert.Null(Options(Step.Run("s", _ => Task.CompletedTask)).Retry);
    }

    [Theory]
    [InlineData(0, 1, 2.0, 1, 0.0)]
    [InlineData(1, -1, 2.0, 1, 0.0)]
    [InlineData(1, 1, 0.99, 1, 0.0)]
    [InlineData(1, 1, double.NaN, 1, 0.0)]
    [InlineData(1, 1, double.PositiveInfinity, 1, 0.0)]
    [InlineData(1, 1, 2.0, -1, 0.0)]
    [InlineData(1, 1, 2.0, 25, 0.0)]
    [InlineData(1, 1, 2.0, 1, -0.1)]
    [InlineData(1, 1, 2.0, 1, 1.1)]
    [InlineData(1, 1, 2.0, 1, double.NaN)]
    public void Retry_arguments_outside_their_ranges_are_refused(
        int attempts, int delaySeconds, double backoff, int maxDelayDays, double jitter) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Run("s", _ => Task.CompletedTask).Retry(
            attempts, TimeSpan.FromSeconds(delaySeconds), backoff, TimeSpan.FromDays(maxDelayDays), jitter: jitter));

    [Fact]
    public void Retry_arguments_at_their_bounds_are_taken() =>
        Step.Run("s", _ => Task.CompletedTask).Retry(1, TimeSpan.Zero, 1.0, TimeSpan.Zero, jitter: 1);

    [Fact]
    public void Waits_grow_by_the_factor_up_to_the_longest_one()
    {
        var retry = RetryOptions.Create("step", 10, TimeSpan.FromSeconds(1), 3, TimeSpan.FromSeconds(20), null, 0);

        Assert.Equal([1, 3, 9, 20, 20], Enumerable.Range(1, 5).Select(attempt => retry.DelayAfter(attempt).TotalSeconds));
        Assert.Equal(TimeSpan.FromSeconds(20), retry.DelayAfter(int.MaxValue));
        Assert.Equal(TimeSpan.Zero, (retry with { Delay = TimeSpan.Zero }).DelayAfter(int.MaxValue));
    }

    [Fact]
    public void A_timeout_is_longer_than_zero_and_finite()
    {
        var step = Step.Run("s", _ => Task.CompletedTask);

        Assert.Equal(TimeSpan.FromTicks(1), Options(step.Timeout(TimeSpan.FromTicks(1))).Timeout);
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(TimeSpan.FromDays(50)));
    }

    [Fact]
    public void A_sleep_is_neither_negative_nor_endless()
    {
        Step.Sleep(TimeSpan.Zero);

        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Sleep(TimeSpan.FromTicks(-1)));
        Assert.Contains("use Receive", Assert.Throws<ArgumentOutOfRangeException>(() => Step.Sleep(TimeSpan.MaxValue)).Message);
    }

    [Fact]
    public void A_sleep_wakes_no_earlier_than_asked()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var epochMs = now.ToUnixTimeMilliseconds();

        Assert.Equal(epochMs + 1, new SleepStep(TimeSpan.FromTicks(1)).WakeAtMs(now));
        Assert.Equal(epochMs + 5, new SleepStep(TimeSpan.FromMilliseconds(5)).WakeAtMs(now));
        Assert.Equal(epochMs + 1, new SleepStep(now.AddTicks(1)).WakeAtMs(now));
        Assert.Equal(
            DateTimeOffset.MaxValue.ToUnixTimeMilliseconds(), new SleepStep(TimeSpan.MaxValue - TimeSpan.FromTicks(1)).WakeAtMs(now));
    }

    [Fact]
    public void A_result_that_is_read_before_the_yield_names_the_step()
    {
        var step = Step.Run("charge card", _ => Task.FromResult(1));

        var error = Assert.Throws<InvalidOperationException>(() => step.Result);

        Assert.Contains("'charge card' was read before the step ran", error.Message);
        Assert.False(step.Succeeded);
        Assert.Null(step.Error);
    }

    [Fact]
    public void A_result_of_a_yield_that_has_not_ended_is_not_the_one_before()
    {
        var step = Yielded(Step.Run("s", _ => Task.FromResult(1)));
        step.Complete(1);

        step.Bind(Run);

        Assert.Throws<InvalidOperationException>(() => step.Result);
        step.Complete(2);
        Assert.Equal(2, step.Result);
    }

    [Fact]
    public void A_failure_of_an_earlier_yield_is_forgotten()
    {
        var step = Yielded(Step.Run("s", _ => Task.FromResult(1)));
        Fail(step);
        step.Bind(Run);
        step.Complete(2);

        Assert.Equal((2, true, null), (step.Result, step.Succeeded, step.Error));
    }

    [Fact]
    public void A_descriptor_belongs_to_one_run()
    {
        var step = Yielded(Step.Run("shared", _ => Task.FromResult(1)));

        var error = Assert.Throws<InvalidOperationException>(() => step.Bind(new object()));

        Assert.Contains("'shared' was yielded by two runs", error.Message);
        Assert.Throws<InvalidOperationException>(() => step.Retry().Bind(new object()));
    }

    public static TheoryData<Func<RunStep<int>, (Step<int> Yielded, Step<int>[] Named)>> Chains => new()
    {
        step => (step.As(out var a).Try(out var b), [a, b]),
        step => (step.Try(out var a).As(out var b), [a, b]),
        step => (step.Retry().As(out var a).Timeout(TimeSpan.FromSeconds(1)).Try(out var b), [a, b]),
        step => (step.Try(out var a).Retry().As(out var b).Timeout(TimeSpan.FromSeconds(1)), [a, b]),
        step => (step.As(out var a).Retry().As(out var b).Try(out var c), [a, b, c]),
        step => (((Step<int>)step).Try(out var a).As(out var b), [a, b]),
    };

    [Theory]
    [MemberData(nameof(Chains))]
    public void Modifiers_of_one_descriptor_share_its_result_in_whatever_order_they_are_chained(
        Func<RunStep<int>, (Step<int> Yielded, Step<int>[] Named)> chain)
    {
        var original = Step.Run("s", _ => Task.FromResult(1));
        var (yielded, named) = chain(original);

        Yielded(yielded).Complete(7);

        Assert.True(yielded.Tolerant);
        Assert.All([original, .. named], step => Assert.Equal((7, true), (step.Result, step.Succeeded)));
    }

    [Theory]
    [MemberData(nameof(Chains))]
    public void Modifiers_of_one_descriptor_share_its_failure(Func<RunStep<int>, (Step<int> Yielded, Step<int>[] Named)> chain)
    {
        var (yielded, named) = chain(Step.Run("s", _ => Task.FromResult(1)));

        Fail(Yielded(yielded));

        Assert.All(named, step =>
        {
            Assert.Equal("declined", step.Error!.Message);
            Assert.False(step.Succeeded);
            Assert.Equal("s", Assert.Throws<StepFailedException>(() => step.Result).StepName);
        });
    }

    [Fact]
    public void A_modifier_leaves_the_descriptor_it_was_called_on_as_it_was()
    {
        var plain = Step.Run("s", _ => Task.FromResult(1));
        plain.Retry(5).Timeout(TimeSpan.FromSeconds(1)).Try(out _);

        Assert.Equal(RunStepOptions.Default, Options(plain));
        Assert.False(plain.Tolerant);
    }

    [Fact]
    public void The_modifier_given_last_counts_and_leaves_the_others() =>
        Assert.Equal(
            (5, TimeSpan.FromSeconds(2)),
            (Options(Chained()).Retry!.Attempts, Options(Chained()).Timeout));

    [Fact]
    public void A_call_takes_two_numbers_and_bears_its_childs_name()
    {
        var call = Step.Call(Workflow.Define<int, string>("child").Return(_ => ""), 1).Try(out var outcome).As(out var named);

        Assert.Equal(("child", 2, true), (call.Name, call.Slots, call.Tolerant));
        Yielded(call).Complete("done");
        Assert.Equal(("done", "done"), (outcome.Result, named.Result));
    }

    [Fact]
    public void A_group_takes_the_numbers_of_its_members_and_gives_their_results_in_order()
    {
        var members = new[] { Step.Run("a", _ => Task.FromResult(1)), Step.Run("b", _ => Task.FromResult(2)) };
        var all = Yielded(Step.All(members));

        members[1].Complete(2);
        members[0].Complete(1);
        ((IAllStep)all).Gather();

        Assert.Equal(2, all.Slots);
        Assert.Equal([1, 2], all.Result);
    }

    [Fact]
    public void A_group_of_calls_takes_two_numbers_for_each()
    {
        var child = Workflow.Define<int, string>("child").Return(_ => "");

        Assert.Equal(5, Step.All(Step.Call(child, 1), Step.Call(child, 2), Step.Sleep(default)).Slots);
    }

    [Fact]
    public void A_group_of_nothing_is_empty() => Assert.Equal(0, Step.All(Array.Empty<Step<int>>()).Slots);

    [Fact]
    public void A_group_with_a_missing_member_is_refused() =>
        Assert.Throws<ArgumentNullException>(() => Step.All([Step.Sleep(default), null!]));

    private static RunStep<int> Chained() =>
        Step.Run("s", _ => Task.FromResult(1)).Retry(2).Timeout(TimeSpan.FromSeconds(1)).Retry(5).Timeout(TimeSpan.FromSeconds(2));

    private static RunStepOptions Options(Step step) => ((IRunStep)step).Options;

    private static TStep Yielded<TStep>(TStep step)
        where TStep : Step
    {
        step.Bind(Run);
        return step;
    }

    private static void Fail(Step step)
    {
        var failure = Failures.Record(new NotSupportedException("declined"));
        step.Fail(failure, Failures.ForStep(failure, "w", 0, step.Name));
    }
}
