using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentControlTests
{
    [Theory]
    [InlineData(true, "yes after")]
    [InlineData(false, "no after")]
    public async Task An_If_goes_one_of_two_ways_and_both_join_again(bool holds, string expected)
    {
        var definition = Workflow.Define<bool>("w")
            .If(x => x.Input, then: yes => yes.Step("yes", Nothing), otherwise: no => no.Step("no", Nothing))
            .Step("after", Nothing)
            .End();

        Assert.Equal(expected, await PathAsync(definition, holds));
    }

    [Fact]
    public async Task An_If_without_an_otherwise_goes_on_where_its_condition_does_not_hold()
    {
        var definition = Workflow.Define<bool>("w").If(x => x.Input, yes => yes.Step("yes", Nothing)).Step("after", Nothing).End();

        Assert.Equal("after", await PathAsync(definition, false));
    }

    [Fact]
    public async Task Branches_nest()
    {
        var definition = Workflow.Define<int>("w")
            .If(x => x.Input > 0, some => some
                .Step("some", Nothing)
                .If(x => x.Input > 1, many => many.Step("many", Nothing), one => one.Step("one", Nothing))
                .Step("after some", Nothing))
            .Step("end", Nothing)
            .End();

        Assert.Equal("end", await PathAsync(definition, 0));
        Assert.Equal("some one after some end", await PathAsync(definition, 1));
        Assert.Equal("some many after some end", await PathAsync(definition, 2));
    }

    [Fact]
    public async Task A_While_repeats_as_long_as_its_condition_holds()
    {
        var rounds = 0;
        var definition = Workflow.Define<int, int>("w")
            .Step("zero", _ => Task.FromResult(0)).As(out var zero)
            .While(x => rounds < x.Input, body => body.Step("round", _ => Task.FromResult(++rounds)))
            .Return(x => rounds);

        Assert.Equal(3, await BodyDriver.RunAsync(definition, 3));
        Assert.Equal("zero", await PathAsync(definition, 0));
    }

    [Fact]
    public async Task In_a_loop_the_latest_result_counts_and_a_step_sees_its_own_earlier_one()
    {
        ResultOf<int>? total = null;
        var definition = Workflow.Define<int, int>("w")
            .Step("begin", _ => Task.FromResult(0)).As(out var begin)
            .Step("count", x => Task.FromResult(x.Get(begin))).As(out var count)
            .While(x => Latest(x, total!) < x.Input, body => body
                .Step("add", x => Task.FromResult(Latest(x, total!) + 1)).As(out total))
            .Return(x => x.Get(total!) + x.Get(count));

        Assert.Equal(4, await BodyDriver.RunAsync(definition, 4));
    }

    [Fact]
    public async Task A_loop_in_a_loop_begins_anew_on_each_pass()
    {
        var log = new List<string>();
        var (outer, inner) = (0, 0);
        var definition = Workflow.Define<Unit>("w")
            .While(_ => outer < 2, body => body
                .Step("outer", _ => Note($"o{++outer}", () => inner = 0))
                .While(_ => inner < 2, nested => nested.Step("inner", _ => Note($"i{++inner}"))))
            .End();

        await BodyDriver.RunAsync(definition, default);

        Assert.Equal("o1 i1 i2 o2 i1 i2", string.Join(' ', log));

        Task Note(string entry, Action? then = null)
        {
            log.Add(entry);
            then?.Invoke();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task A_loop_that_never_comes_to_a_step_fails_instead_of_holding_its_thread()
    {
        var definition = Workflow.Define<bool>("w").While(_ => true, body => body.If(x => x.Input, yes => yes.Step("s", Nothing))).End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, false));

        Assert.Contains("While without a step: its condition (true) never becomes false", error.Message);
    }

    [Fact]
    public async Task A_loop_around_groups_of_nothing_fails_too()
    {
        var definition = Workflow.Define<Unit>("w")
            .While(_ => true, body => body.ForEach(_ => Array.Empty<int>(), "each", (item, _) => Task.FromResult(item)))
            .End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, default));

        Assert.Contains("While without a step: its condition (true) never becomes false", error.Message);
    }

    [Fact]
    public async Task A_ForEach_is_one_group_of_equally_named_steps_with_its_limit()
    {
        var definition = Workflow.Define<Order, string>("w")
            .ForEach(x => x.Input.Items, "pack", (item, x) => Task.FromResult($"{x.Input.Id}-{item}"), maxParallel: 4).As(out var packed)
            .Return(x => string.Join(' ', x.Get(packed)));
        var driver = new BodyDriver();

        Assert.Equal("large-a large-b large-c", await driver.DriveAsync(definition, Order.Large));
        Assert.Equal(["pack", "pack", "pack"], driver.Names);
        Assert.Equal(4, ((IAllStep)driver.Yielded[0]).MaxParallel);
        Assert.Equal(3, driver.Yielded[0].Slots);
    }

    [Fact]
    public async Task A_ForEach_goes_one_item_after_the_other_unless_asked_otherwise()
    {
        var driver = new BodyDriver();

        await driver.DriveAsync(Workflow.Define<Order>("w").ForEach(x => x.Input.Items, "pack", Pack).End(), Order.Large);

        Assert.Equal(1, ((IAllStep)driver.Yielded[0]).MaxParallel);
    }

    [Fact]
    public async Task A_ForEach_over_nothing_gives_an_empty_list()
    {
        var definition = Workflow.Define<Order, int>("w")
            .ForEach(_ => Array.Empty<string>(), "pack", Pack).As(out var packed)
            .Return(x => x.Get(packed).Count);

        Assert.Equal(0, await BodyDriver.RunAsync(definition, Order.Large));
    }

    [Fact]
    public async Task Modifiers_of_a_ForEach_apply_to_each_item()
    {
        var definition = Workflow.Define<Order>("w")
            .ForEach(x => x.Input.Items, "pack", Pack).Retry(attempts: 4).Timeout(TimeSpan.FromSeconds(9))
            .End();
        var driver = new BodyDriver();

        await driver.DriveAsync(definition, Order.Large);

        var options = driver.Yielded.OfType<IRunStep>().Select(step => (step.Options.Retry!.Attempts, step.Options.Timeout)).Distinct();
        Assert.Equal([(4, TimeSpan.FromSeconds(9))], options);
    }

    [Fact]
    public async Task A_ForEach_that_is_given_null_fails_with_its_name()
    {
        var definition = Workflow.Define<Order>("w").ForEach(_ => (string[])null!, "pack", Pack).End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Large));

        Assert.Contains("ForEach 'pack' was given null", error.Message);
    }

    [Fact]
    public async Task Fail_throws_the_users_exception_and_nothing_after_it_runs()
    {
        var definition = Workflow.Define<Order>("w")
            .If(x => x.Input.Amount > 10, no => no.Fail(x => new NotSupportedException(x.Input.Id)))
            .Step("after", Nothing)
            .End();
        var driver = new BodyDriver();

        var error = await Assert.ThrowsAsync<NotSupportedException>(() => driver.DriveAsync(definition, Order.Large));

        Assert.Equal("large", error.Message);
        Assert.Empty(driver.Yielded);
        Assert.Equal("after", await PathAsync(definition, Order.Small));
    }

    [Fact]
    public async Task A_Fail_that_is_given_null_says_so()
    {
        var definition = Workflow.Define<Order>("w").Fail(_ => null!).End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("Fail of workflow 'w' was given null", error.Message);
    }

    [Fact]
    public async Task ReturnEarly_ends_its_path_also_out_of_a_loop()
    {
        var definition = Workflow.Define<int, string>("w")
            .While(_ => true, body => body
                .Step("look", x => Task.FromResult(x.Input)).As(out var found)
                .If(x => x.Get(found) == 1, yes => yes.ReturnEarly(x => "early").Step("never", Nothing))
                .If(x => x.Get(found) == 2, yes => yes.Fail(_ => new NotSupportedException())))
            .Return(_ => "late");

        Assert.Equal("early", await BodyDriver.RunAsync(definition, 1));
        Assert.Equal("look", await PathAsync(definition, 1));
    }

    [Fact]
    public async Task What_a_condition_throws_is_the_failure_of_the_run()
    {
        var definition = Workflow.Define<Order>("w").If(x => x.Input.Items[9].Length == 0, yes => yes).End();

        await Assert.ThrowsAsync<IndexOutOfRangeException>(() => BodyDriver.RunAsync(definition, Order.Small));
    }

    private static Task Nothing<TIn>(StepState<TIn> x) => Task.CompletedTask;

    private static Task<string> Pack(string item, StepState<Order> x) => Task.FromResult(item);

    private static int Latest(FlowState<int> x, ResultOf<int> total)
    {
        try
        {
            return x.Get(total);
        }
        catch (InvalidOperationException)
        {
            return 0;
        }
    }

    private static async Task<string> PathAsync<TIn, TOut>(WorkflowDefinition<TIn, TOut> definition, TIn input)
    {
        var driver = new BodyDriver();
        await driver.DriveAsync(definition, input);
        return string.Join(' ', driver.Names);
    }
}
