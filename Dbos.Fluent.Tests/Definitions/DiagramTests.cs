using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class DiagramTests
{
    private static readonly WorkflowDefinition<Order, string> Ship = Workflow.Declare<Order, string>("ship");

    [Fact]
    public void A_definition_draws_its_steps_branches_and_ends()
    {
        var definition = Workflow.Define<Order, string>("checkout")
            .Step("reserve stock", Nothing)
            .Step("charge card", _ => Task.FromResult(1)).Retry(attempts: 5).Timeout(TimeSpan.FromSeconds(30)).As(out var charge)
            .If(x => x.Get(charge) > 10, review => review
                .Sleep(TimeSpan.FromHours(1))
                .Step("review", _ => Task.FromResult(true)).As(out var approved)
                .If(x => !x.Get(approved), no => no.Fail(x => new InvalidOperationException(x.Input.Id))))
            .ForEach(x => x.Input.Items, "pack", (item, _) => Task.FromResult(item), maxParallel: 4)
            .Step("email", Nothing).Try(out _)
            .Return(x => "done");

        Snapshot.Match(definition.ToMermaid());
    }

    [Fact]
    public void A_definition_draws_loops_and_both_ways_of_a_branch()
    {
        var definition = Workflow.Define<Order>("poll")
            .While(
                x => x.Input.Amount > 0,
                body => body
                    .Step("look", Nothing)
                    .If(x => x.Input.Items.Count == 0, none => none.Sleep(x => TimeSpan.FromMinutes(1)), some => some
                        .While(x => true, inner => inner.Step("take", Nothing), label: "more to take")))
            .If(x => x.Input.Amount == 0, then => then, otherwise => otherwise.Step("only otherwise", Nothing))
            .End();

        Snapshot.Match(definition.ToMermaid());
    }

    [Fact]
    public void A_definition_draws_children_and_made_steps()
    {
        var definition = Workflow.Define<Order, string>("parent")
            .Call(Ship, x => x.Input)
            .Start(Ship, x => x.Input).As(out var handle)
            .Then(x => Step.All(x.Input.Items.Select(item => Step.Run("wrap", _ => Task.FromResult(item)))))
            .SleepUntil(x => x.Workflow.UtcNow.AddDays(1))
            .Await(handle).As(out var shipped)
            .Return(x => x.Get(shipped));

        Snapshot.Match(definition.ToMermaid());
    }

    [Fact]
    public void What_is_never_reached_is_not_drawn()
    {
        var definition = Workflow.Define<Order, int>("w")
            .If(
                x => x.Input.Amount > 0,
                yes => yes.ReturnEarly(_ => 1).Step("never", Nothing),
                no => no.Fail(_ => new NotSupportedException()))
            .Step("never either", Nothing)
            .Return(_ => 2);

        Snapshot.Match(definition.ToMermaid());
    }

    [Fact]
    public void Labels_cannot_break_the_diagram()
    {
        var definition = Workflow.Define<Order>("a \"quoted\" [name] {x} #1; <b> & `c` \\n | -->")
            .Step("1. first", Nothing)
            .Step("- dash", Nothing)
            .Step("end", Nothing)
            .Step("日本語 émoji 🚀 ﬁn", Nothing)
            .Step("subgraph x; click y %%{init: {}}%%", Nothing)
            .If(x => x.Input.Items[0] == "\"]" && x.Input.Amount < 3, yes => yes.Step("2*3*4", Nothing))
            .End();

        Snapshot.Match(definition.ToMermaid());
    }

    [Fact]
    public void A_long_condition_is_one_short_line()
    {
        var definition = Workflow.Define<Order>("w")
            .If(
                x => x.Input.Amount > 10
                    && x.Input.Items.Count > 3
                    && x.Input.Items.All(item => item.Length > 0 && item.StartsWith('a'))
                    && x.Input.Id.Length > 0,
                yes => yes.Step("s", Nothing))
            .End();

        var condition = definition.ToMermaid().Split('\n').Single(line => line.Contains('{', StringComparison.Ordinal));
        Assert.Equal(
            """n1{"x.Input.Amount #gt; 10 #amp;#amp; x.Input.Items.Count #gt; 3 #amp;#amp; x.Input.Items.All(item =#gt; ite…"}""",
            condition.Trim());
    }

    [Fact]
    public void A_cut_leaves_whole_characters()
    {
        var text = new string('x', 78);
        var definition = Workflow.Define<Order>("w").If(_ => true, yes => yes.Step("s", Nothing), label: text + "🚀🚀").End();

        Assert.Contains(text + "…", definition.ToMermaid());
    }

    [Fact]
    public void Equal_definitions_draw_equal_diagrams()
    {
        static string Draw() => Workflow.Define<Order>("w").If(x => x.Input.Amount > 1, yes => yes.Step("s", Nothing)).End().ToMermaid();

        Assert.Equal(Draw(), Draw());
    }

    [Fact]
    public void An_iterator_is_one_box()
    {
        Assert.Equal(
            "flowchart TD\n  body[\"w #quot;x#quot;<br/>an iterator: its steps stand in a history\"]\n",
            Workflow.Define<Order>("w \"x\"", Body).ToMermaid());

        static async IAsyncEnumerable<Step> Body(Order order, WorkflowContext workflow)
        {
            await Task.Yield();
            yield break;
        }
    }

    [Fact]
    public void A_declaration_is_one_box() =>
        Assert.Equal("flowchart TD\n  body[\"ship<br/>declared here, defined elsewhere\"]\n", Ship.ToMermaid());

    [Theory]
    [InlineData(null, "otherwise")]
    [InlineData("  ", "otherwise")]
    [InlineData("x => x.Input", "x.Input")]
    [InlineData("static (FlowState<int> x) => x.Input", "static (FlowState<int> x) => x.Input")]
    [InlineData("_ => true", "true")]
    [InlineData("IsLarge", "IsLarge")]
    [InlineData("x =>\n    x.Get(a)\n    > 3", "x.Get(a) > 3")]
    [InlineData("Not(x => x.Input)", "Not(x => x.Input)")]
    public void A_title_is_the_expression_without_its_parameter(string? expression, string title) =>
        Assert.Equal(title, FlowText.Title(expression, otherwise: "otherwise"));

    private static Task Nothing(StepState<Order> x) => Task.CompletedTask;
}
