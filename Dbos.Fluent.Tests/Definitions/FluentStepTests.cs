using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentStepTests
{
    [Fact]
    public async Task Steps_run_in_the_order_written_and_the_return_selector_last()
    {
        var log = new List<string>();
        var definition = Workflow.Define<Order, string>("w")
            .Step("first", x => Note(log, "first"))
            .Step("second", x => Note(log, "second"))
            .Return(x => string.Join(' ', log));
        var driver = new BodyDriver();

        var result = await driver.DriveAsync(definition, Order.Small);

        Assert.Equal("first second", result);
        Assert.Equal(["first", "second"], driver.Names);
        Assert.True(driver.Returned);
    }

    [Fact]
    public async Task A_definition_without_steps_gives_its_result()
    {
        var definition = Workflow.Define<Order, int>("w").Return(x => x.Input.Amount);

        Assert.Equal(100, await BodyDriver.RunAsync(definition, Order.Large));
    }

    [Fact]
    public async Task A_definition_without_a_result_ends_without_yielding_one()
    {
        var definition = Workflow.Define<Order>("w").Step("only", _ => Task.CompletedTask).End();
        var driver = new BodyDriver();

        await driver.DriveAsync(definition, Order.Small);

        Assert.False(driver.Returned);
        Assert.Equal(["only"], driver.Names);
    }

    [Fact]
    public async Task A_definition_of_nothing_ends_at_once()
    {
        var driver = new BodyDriver();

        await driver.DriveAsync(Workflow.Define<Unit>("w").End(), default);

        Assert.Empty(driver.Yielded);
    }

    [Fact]
    public async Task A_body_sees_the_input_the_workflow_and_its_attempt()
    {
        var given = TestContext.Current.CancellationToken;
        var definition = Workflow.Define<Order, string>("w")
            .Step("zero", _ => Task.CompletedTask)
            .Step("one", x => Task.FromResult(
                $"{x.Input.Id} {x.Workflow.WorkflowId} {x.Attempt} {x.IdempotencyKey} {x.Step.Sequence} {x.CancellationToken == given}"))
                .As(out var seen)
            .Return(x => x.Get(seen));

        Assert.Equal("small w 1 w:1 1 True", await BodyDriver.RunAsync(definition, Order.Small));
    }

    [Fact]
    public async Task Nothing_of_a_definition_runs_before_the_first_move()
    {
        var ran = false;
        var definition = Workflow.Define<Order, int>("w").If(x => ran = true, yes => yes).Return(_ => 1);

        await using var body = definition.Open(Order.Small, new WorkflowContext(new FixedFacts()));

        Assert.False(ran);
    }

    [Fact]
    public async Task Each_yield_makes_a_descriptor_of_its_own()
    {
        var definition = Workflow.Define<Order, int>("w").Step("s", _ => Task.FromResult(1)).As(out var one).Return(x => x.Get(one));
        var first = new BodyDriver();
        var second = new BodyDriver();

        await first.DriveAsync(definition, Order.Small);
        await second.DriveAsync(definition, Order.Small);

        Assert.NotSame(first.Yielded[0], second.Yielded[0]);
    }

    [Fact]
    public async Task One_definition_runs_many_times_at_once_without_mixing_results()
    {
        var definition = Workflow.Define<int, int>("w")
            .Step("double", async x =>
            {
                await Task.Yield();
                return x.Input * 2;
            }).As(out var doubled)
            .Return(x => x.Get(doubled) + x.Input);

        var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(() => BodyDriver.RunAsync(definition, i))));

        Assert.Equal(Enumerable.Range(0, 200).Select(i => 3 * i), results);
    }

    [Fact]
    public async Task Retry_and_timeout_stand_in_the_descriptor()
    {
        var definition = Workflow.Define<Order>("w")
            .Step("s", _ => Task.CompletedTask).Retry(attempts: 5, delay: TimeSpan.FromSeconds(2)).Timeout(TimeSpan.FromMinutes(1))
            .End();
        var driver = new BodyDriver();

        await driver.DriveAsync(definition, Order.Small);

        var options = ((IRunStep)driver.Yielded[0]).Options;
        Assert.Equal((5, TimeSpan.FromSeconds(2)), (options.Retry!.Attempts, options.Retry.Delay));
        Assert.Equal(TimeSpan.FromMinutes(1), options.Timeout);
    }

    [Fact]
    public async Task A_step_without_modifiers_has_one_attempt_and_no_limit()
    {
        var definition = Workflow.Define<Order>("w").Step("s", _ => Task.CompletedTask).End();
        var driver = new BodyDriver();

        await driver.DriveAsync(definition, Order.Small);

        Assert.Equal(RunStepOptions.Default, ((IRunStep)driver.Yielded[0]).Options);
    }

    [Fact]
    public async Task Then_yields_whatever_descriptor_is_made_from_what_is_known()
    {
        var definition = Workflow.Define<Order, string>("w")
            .Step("prefix", _ => Task.FromResult("packed ")).As(out var prefix)
            .Then(x => Step.All(x.Input.Items.Select(item => Step.Run($"pack {item}", _ => Task.FromResult(x.Get(prefix) + item)))))
                .As(out var packed)
            .Return(x => string.Join(", ", x.Get(packed)));
        var driver = new BodyDriver();

        Assert.Equal("packed a, packed b, packed c", await driver.DriveAsync(definition, Order.Large));
        Assert.Equal(["prefix", "pack a", "pack b", "pack c"], driver.Names);
    }

    [Fact]
    public async Task Modifiers_after_Then_are_laid_over_those_of_the_descriptor()
    {
        var definition = Workflow.Define<Order>("w")
            .Then(_ => Step.Run("s", _ => Task.CompletedTask).Retry(attempts: 7)).Timeout(TimeSpan.FromSeconds(3))
            .End();
        var driver = new BodyDriver();

        await driver.DriveAsync(definition, Order.Small);

        var options = ((IRunStep)driver.Yielded[0]).Options;
        Assert.Equal((7, TimeSpan.FromSeconds(3)), (options.Retry!.Attempts, options.Timeout));
    }

    [Fact]
    public async Task A_retry_after_a_Then_that_makes_no_step_with_a_body_fails_the_run_with_its_name()
    {
        var definition = Workflow.Define<Order>("w").Then(_ => Step.Sleep(TimeSpan.Zero)).Retry().End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("'DBOS.sleep' takes no Retry", error.Message);
    }

    [Fact]
    public async Task A_Then_that_gives_null_fails_the_run_with_its_text()
    {
        var definition = Workflow.Define<Order>("w").Then(x => (Step<int>)null!).End();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => BodyDriver.RunAsync(definition, Order.Small));

        Assert.Contains("Then((Step<int>)null!) gave null", error.Message);
    }

    [Fact]
    public async Task Sleeps_carry_their_length_or_their_moment()
    {
        var definition = Workflow.Define<Order>("w")
            .Sleep(TimeSpan.FromHours(1))
            .Sleep(x => TimeSpan.FromDays(x.Input.Amount))
            .SleepUntil(x => x.Workflow.UtcNow.AddDays(1))
            .End();
        var driver = new BodyDriver();

        await driver.DriveAsync(definition, Order.Large);

        var sleeps = driver.Yielded.Cast<SleepStep>().ToArray();
        Assert.Equal([TimeSpan.FromHours(1), TimeSpan.FromDays(100), null], sleeps.Select(sleep => sleep.Duration));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), sleeps[2].Until);
    }

    [Fact]
    public async Task A_computed_sleep_of_negative_length_fails_the_run()
    {
        var definition = Workflow.Define<Order>("w").Sleep(_ => TimeSpan.FromTicks(-1)).End();

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => BodyDriver.RunAsync(definition, Order.Small));
    }

    private static Task Note(List<string> log, string entry)
    {
        log.Add(entry);
        return Task.CompletedTask;
    }
}
