namespace Dbos.Fluent.Tests.Definitions;

public sealed class FluentBuildingTests
{
    private static readonly WorkflowDefinition<Order, int> InField = Workflow.Define<Order, int>().Return(_ => 1);

    public FluentBuildingTests() => FromConstructor = Attempt(() => Workflow.Define<Order>().End());

    private static WorkflowDefinition<Order, Unit> InProperty { get; } = Workflow.Define<Order>().End();

    private string? FromConstructor { get; }

    [Fact]
    public void A_definition_is_named_after_its_member()
    {
        Assert.Equal("InField", InField.Name);
        Assert.Equal("InProperty", InProperty.Name);
        Assert.Equal("explicit", Workflow.Define<Order>("explicit").End().Name);
    }

    [Theory]
    [InlineData("<Main>$")]
    [InlineData("Main")]
    [InlineData(".ctor")]
    [InlineData(".cctor")]
    [InlineData("")]
    [InlineData(" ")]
    public void A_member_without_a_name_of_its_own_names_no_definition(string member)
    {
        var error = Assert.Throws<ArgumentException>(() => Workflow.Define<Order, int>(member));

        Assert.Contains("Name it explicitly", error.Message);
        Assert.Throws<ArgumentException>(() => Workflow.Define<Order>(member));
    }

    [Fact]
    public void A_definition_in_a_constructor_asks_for_a_name() => Assert.Contains("'.ctor' is no name", FromConstructor);

    [Fact]
    public void A_name_has_at_most_255_characters_and_no_control_characters()
    {
        Assert.Throws<ArgumentException>(() => Workflow.Define<Order>(new string('x', 256)));
        Assert.Throws<ArgumentException>(() => Workflow.Define<Order>("a\nb"));
        Workflow.Define<Order>(new string('x', 255));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a\tb")]
    [InlineData("DBOS.mine")]
    [InlineData("Dbos.Fluent.mine")]
    public void A_step_name_is_checked_where_it_is_given(string name)
    {
        var builder = Workflow.Define<Order, int>("w");

        Assert.Throws<ArgumentException>(() => builder.Step(name, _ => Task.CompletedTask));
        Assert.Throws<ArgumentException>(() => builder.Step(name, _ => Task.FromResult(1)));
        Assert.Throws<ArgumentException>(() => builder.ForEach(x => x.Input.Items, name, (_, _) => Task.FromResult(1)));
    }

    [Fact]
    public void A_step_name_stands_once_in_a_definition()
    {
        var builder = Workflow.Define<Order, int>("w").Step("pack", Nothing);

        var error = Assert.Throws<ArgumentException>(() => builder.Step("pack", Nothing));

        Assert.Contains("Workflow 'w' has a step 'pack' already", error.Message);
        Assert.Throws<ArgumentException>(() => builder.ForEach(x => x.Input.Items, "pack", (_, _) => Task.FromResult(1)));
    }

    [Fact]
    public void A_step_name_stands_in_one_branch_only()
    {
        var builder = Workflow.Define<Order, int>("w").Step("before", Nothing);

        Assert.Throws<ArgumentException>(() => builder.If(_ => true, yes => yes.Step("x", Nothing), no => no.Step("x", Nothing)));
        Assert.Throws<ArgumentException>(() => builder.If(_ => true, yes => yes.Step("x", Nothing)).Step("x", Nothing));
        Assert.Throws<ArgumentException>(() => builder.If(_ => true, yes => yes.Step("before", Nothing)));
        Assert.Throws<ArgumentException>(() => builder.While(_ => true, body => body.Step("before", Nothing)));
        Assert.Throws<ArgumentException>(() => builder.While(_ => true, body => body.Step("x", Nothing)).Step("x", Nothing));
    }

    [Fact]
    public void Step_names_differ_by_case()
    {
        Workflow.Define<Order, int>("w").Step("pack", Nothing).Step("Pack", Nothing).Return(_ => 1);
    }

    [Fact]
    public async Task A_beginning_may_be_continued_in_several_ways()
    {
        var beginning = Workflow.Define<Order, string>("w").Step("shared", _ => Task.FromResult("s")).As(out var shared);
        var left = beginning.Step("own", _ => Task.FromResult("left")).As(out var ofLeft).Return(x => x.Get(shared) + x.Get(ofLeft));
        var right = beginning.Step("own", _ => Task.FromResult("right")).As(out var ofRight).Return(x => x.Get(shared) + x.Get(ofRight));

        Assert.Equal("sleft", await BodyDriver.RunAsync(left, Order.Small));
        Assert.Equal("sright", await BodyDriver.RunAsync(right, Order.Small));
    }

    [Fact]
    public async Task A_modifier_leaves_the_builder_it_was_called_on_as_it_was()
    {
        var plain = Workflow.Define<Order>("w").Step("s", Nothing);
        plain.Retry(attempts: 9);
        var driver = new BodyDriver();

        await driver.DriveAsync(plain.End(), Order.Small);

        Assert.Null(((Dbos.Fluent.Definitions.IRunStep)driver.Yielded[0]).Options.Retry);
    }

    [Fact]
    public void A_branch_returns_the_builder_it_was_given_continued()
    {
        var builder = Workflow.Define<Order, int>("w");
        WorkflowBuilder<Order, int>? kept = null;

        Assert.Throws<InvalidOperationException>(() => builder.If(_ => true, _ => builder.Step("outside", Nothing)));
        Assert.Throws<InvalidOperationException>(() => builder.If(_ => true, _ => null!));
        Assert.Throws<InvalidOperationException>(() => builder.If(_ => true, yes => kept = yes, _ => kept!));
        Assert.Throws<InvalidOperationException>(
            () => builder.While(_ => true, _ => Workflow.Define<Order, int>("w").Step("outside", Nothing)));
    }

    [Fact]
    public void A_While_needs_something_to_repeat()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Workflow.Define<Order>("w").While(_ => true, body => body));

        Assert.Contains("has an empty body", error.Message);
    }

    [Fact]
    public void End_is_not_for_a_definition_with_a_result()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Workflow.Define<Order, int>("w").End());

        Assert.Contains("'w' has a result of type Int32: end its definition with Return", error.Message);
    }

    [Fact]
    public void Retry_and_timeout_are_refused_at_once_where_no_body_is_run()
    {
        var child = Workflow.Declare<int, int>("child");
        var builder = Workflow.Define<Order, int>("w");

        var error = Assert.Throws<InvalidOperationException>(() => builder.Call(child, x => x.Input.Amount).Retry());

        Assert.Contains("'child' takes no Retry and no Timeout", error.Message);
        Assert.Throws<InvalidOperationException>(() => builder.Start(child, x => x.Input.Amount).Timeout(TimeSpan.FromSeconds(1)));
        builder.Start(child, x => x.Input.Amount).As(out var handle);
        Assert.Throws<InvalidOperationException>(() => builder.Await(handle).Retry());
    }

    [Fact]
    public void Arguments_out_of_range_are_refused_where_they_are_given()
    {
        var step = Workflow.Define<Order>("w").Step("s", Nothing);

        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(attempts: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(delay: TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(backoff: 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(jitter: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Sleep(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => step.ForEach(x => x.Input.Items, "each", (_, _) => Task.FromResult(1), maxParallel: 0));
    }

    [Fact]
    public void Missing_functions_are_refused_where_they_are_missing()
    {
        var builder = Workflow.Define<Order, int>("w");

        Assert.Throws<ArgumentNullException>(() => builder.Step("s", (Func<StepState<Order>, Task<int>>)null!));
        Assert.Throws<ArgumentNullException>(() => builder.Then<int>(null!));
        Assert.Throws<ArgumentNullException>(() => builder.If(null!, yes => yes));
        Assert.Throws<ArgumentNullException>(() => builder.Fail(null!));
        Assert.Throws<ArgumentNullException>(() => builder.Return(null!));
        Assert.Throws<ArgumentNullException>(() => builder.Await<int>(null!));
    }

    private static Task Nothing(StepState<Order> x) => Task.CompletedTask;

    private static string? Attempt(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (ArgumentException error)
        {
            return error.Message;
        }
    }
}
