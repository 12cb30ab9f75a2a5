namespace Dbos.Fluent.Tests.Definitions;

/// <summary>Patches and new beginnings in fluent definitions: what is refused, what is drawn, and what changes the fingerprint.</summary>
public sealed class FluentVersionTests
{
    [Fact]
    public void They_are_drawn()
    {
        var definition = Workflow.Define<int>("loop")
            .Patch("p", now => now.Step("new", _ => Task.CompletedTask), then => then.Step("old", _ => Task.CompletedTask))
            .ContinueAsNew(x => x.Input + 1)
            .End();

        Snapshot.Match(definition.ToMermaid());
    }

    [Fact]
    public void The_name_of_a_patch_each_of_its_ways_and_the_next_input_are_part_of_the_fingerprint()
    {
        string[] fingerprints =
        [
            Loop("p").Fingerprint,
            Loop("q").Fingerprint,
            Workflow.Define<int>("loop").Step("s", _ => Task.CompletedTask).ContinueAsNew(x => x.Input + 1).End().Fingerprint,
            Workflow.Define<int>("loop").Step("s", _ => Task.CompletedTask).ContinueAsNew(x => x.Input + 2).End().Fingerprint,
            Workflow.Define<int>("loop").Step("s", _ => Task.CompletedTask).End().Fingerprint,
        ];

        Assert.Equal(5, fingerprints.Distinct().Count());
        Assert.Equal(fingerprints[0], Loop("p").Fingerprint);

        static WorkflowDefinition<int, Unit> Loop(string patch) =>
            Workflow.Define<int>("loop").Patch(patch, now => now.Step("s", _ => Task.CompletedTask)).End();
    }

    [Fact]
    public void A_new_beginning_beside_other_branches_is_refused_on_building()
    {
        var refused = Assert.Throws<InvalidOperationException>(() => Workflow.Define<int>("loop")
            .Parallel(("a", a => a.If(x => x.Input > 0, then => then.ContinueAsNew(x => x.Input - 1)))));

        Assert.Contains("ContinueAsNew stands in branch 'a' of a Parallel of workflow 'loop'", refused.Message);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("a\u0001b")]
    public void A_patch_has_a_name(string name)
    {
        Assert.ThrowsAny<ArgumentException>(() => Step.Patch(name));
        Assert.ThrowsAny<ArgumentException>(() => Step.DeprecatePatch(name));
        Assert.ThrowsAny<ArgumentException>(() => Workflow.Define<int>("loop").Patch(name, now => now));
    }

    [Fact]
    public void Both_are_refused_as_members_of_groups()
    {
        foreach (var member in new Step[] { Step.Patch("p"), Step.DeprecatePatch("p"), Workflow.ContinueAsNew(1) })
        {
            Assert.Throws<InvalidOperationException>(() => Step.All(member));
            Assert.Throws<InvalidOperationException>(() => Step.Any(member));
            Assert.Throws<InvalidOperationException>(() => Step.All(Step.All(member)));
        }
    }
}
