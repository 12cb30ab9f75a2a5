namespace Dbos.Fluent.Tests.Definitions;

/// <summary>The input of the workflows of these tests.</summary>
public sealed record Order(string Id, int Amount, IReadOnlyList<string> Items)
{
    public static Order Small { get; } = new("small", 1, ["a"]);

    public static Order Large { get; } = new("large", 100, ["a", "b", "c"]);
}
