namespace Dbos.Fluent.Tests.Shape;

/// <summary>The public surface is a reviewed text: a change of it is a deliberate change of the file beside this one.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void Public_surface_is_the_reviewed_one() => Snapshot.Match(PublicApiText.Render(typeof(DbosException).Assembly));
}
