namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentResultTests
{
    [Fact]
    public async Task A_result_is_read_by_everything_after_its_step()
    {
        var definition = Workflow.Define<Order, string>("w")
            .Step("a", _ => Task.FromResult(2)).As(out var a)
            .Step("b", x => Task.FromResult(x.Get(a) * 3)).As(out var b)
            .If(x => x.Get(b) == 6, yes => yes
                .Step("c", x => Task.FromResult($"{x.Get(a)}{x.Get(b)}")).As(out var c)
                .ReturnEarly(x => x.Get(c)))
            .Return(_ => "no");

        Assert.Equal("26", await BodyDriver.RunAsync(definition, Order.Small));
    }

    [Fact]
    public async Task A_result_whose_step_did_not_run_is_an_error_that_names_step_and_workflow()
    {
        ResultOf<int> skipped = null!;
        var definition = Workflow.Define<Order, int>("checkout")
            .If(x => x.Input.Amount > 10, yes => yes.Step("inspect", _ => Task.FromResult(1)).As(out skipped))
            .Return(x => x.Get(skipped));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("'checkout'", error.Message);
        Assert.Contains("'inspect', which has not run", error.Message);
        Assert.Equal(1, await BodyDriver.RunAsync(definition, Order.Large));
    }

    [Fact]
    public async Task A_result_of_another_definition_is_an_error_that_names_it()
    {
        Workflow.Define<Order, int>("other").Step("elsewhere", _ => Task.FromResult(1)).As(out var foreign);
        var definition = Workflow.Define<Order, int>("w").Step("here", _ => Task.FromResult(2)).Return(x => x.Get(foreign));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("'elsewhere', which belongs to another definition ('other')", error.Message);
    }

    [Fact]
    public async Task A_result_of_another_continuation_of_the_same_beginning_is_foreign()
    {
        var beginning = Workflow.Define<Order, int>("w").Step("shared", _ => Task.FromResult(1));
        beginning.Step("left", _ => Task.FromResult(2)).As(out var left);
        var right = beginning.Step("right", _ => Task.FromResult(3)).Return(x => x.Get(left));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(right, Order.Small));

        Assert.Contains("'left', which belongs to another definition", error.Message);
    }

    [Fact]
    public async Task A_step_that_reads_its_own_result_is_told_that_it_has_not_run()
    {
        ResultOf<int> own = null!;
        var definition = Workflow.Define<Order, int>("w").Step("s", x => Task.FromResult(x.Get(own))).As(out own).Return(x => x.Get(own));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("'s', which has not run", error.Message);
    }

    [Fact]
    public async Task Try_makes_a_failure_an_outcome_and_the_run_goes_on()
    {
        var definition = Workflow.Define<Order, string>("w")
            .Step("charge", Declined).Try(out var charge)
            .Return(x => $"{x.Get(charge).Succeeded} {x.Get(charge).Error!.Message} {x.Get(charge).Error!.Is<NotSupportedException>()}");

        Assert.Equal("False declined True", await BodyDriver.RunAsync(definition, Order.Small));
    }

    [Fact]
    public async Task Try_gives_the_result_of_a_step_that_succeeded()
    {
        var definition = Workflow.Define<Order, StepOutcome<int>>("w")
            .Step("s", _ => Task.FromResult(7)).Try(out var outcome)
            .Return(x => x.Get(outcome));

        Assert.Equal(new StepOutcome<int>(true, 7, null), await BodyDriver.RunAsync(definition, Order.Small));
    }

    [Fact]
    public async Task A_plain_result_of_a_tolerant_step_throws_the_recorded_failure_where_it_is_read()
    {
        var definition = Workflow.Define<Order, int>("w")
            .Step("charge", Declined).As(out var amount).Try(out _)
            .Return(x => x.Get(amount));

        var error = await Assert.ThrowsAsync<StepFailedException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Equal(("charge", "declined"), (error.StepName, error.Failure.Message));
    }

    [Fact]
    public async Task A_failure_without_Try_ends_the_run()
    {
        var definition = Workflow.Define<Order>("w").Step("charge", Declined).Step("after", Declined).End();
        var driver = new BodyDriver();

        await Assert.ThrowsAsync<NotSupportedException>(() => driver.DriveAsync(definition, Order.Small));

        Assert.Equal(["charge"], driver.Names);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Modifiers_of_a_step_count_in_whatever_order_they_are_chained(int order)
    {
        var begun = Workflow.Define<Order, string>("w").Step("s", Declined);
        ResultOf<StepOutcome<int>> outcome;
        ResultOf<int> result;
        var continued = order switch
        {
            0 => begun.Retry(2).As(out result).Try(out outcome),
            1 => begun.Try(out outcome).Retry(2).As(out result),
            _ => begun.As(out result).Try(out outcome).Retry(2),
        };
        var definition = continued.Return(x => $"{x.Get(outcome).Succeeded} {Throws(() => x.Get(result))}");
        var driver = new BodyDriver();

        Assert.Equal("False True", await driver.DriveAsync(definition, Order.Small));
        Assert.Equal(2, ((Dbos.Fluent.Definitions.IRunStep)driver.Yielded[0]).Options.Retry!.Attempts);
    }

    [Fact]
    public async Task Try_on_a_ForEach_is_one_outcome_for_all_items()
    {
        var definition = Workflow.Define<Order, string>("w")
            .ForEach(x => x.Input.Items, "pack", (item, _) => item == "b" ? throw new NotSupportedException(item) : Task.FromResult(item))
                .Try(out var packed)
            .Return(x => x.Get(packed).Error?.Message ?? string.Join(' ', x.Get(packed).Result!));

        Assert.Equal("b", await BodyDriver.RunAsync(definition, Order.Large));
        Assert.Equal("a", await BodyDriver.RunAsync(definition, Order.Small));
    }

    [Fact]
    public async Task A_null_result_is_a_result()
    {
        var definition = Workflow.Define<Order, bool>("w")
            .Step("s", _ => Task.FromResult<string?>(null)).As(out var nothing)
            .Return(x => x.Get(nothing) is null);

        Assert.True(await BodyDriver.RunAsync(definition, Order.Small));
    }

    [Fact]
    public void A_result_is_shown_by_its_step()
    {
        Workflow.Define<Order, int>("w").Step("charge card", _ => Task.FromResult(1)).As(out var charge);

        Assert.Equal("result of 'charge card'", charge.ToString());
    }

    private static Task<int> Declined(StepState<Order> x) => Task.FromException<int>(new NotSupportedException("declined"));

    private static bool Throws(Func<int> read)
    {
        try
        {
            read();
            return false;
        }
        catch (StepFailedException)
        {
            return true;
        }
    }
}
