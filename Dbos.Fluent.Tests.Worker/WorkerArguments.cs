namespace Dbos.Fluent.Tests.Worker;

/// <summary>The words between a test and its worker, in one place for both.</summary>
internal static class WorkerArguments
{
    /// <summary>Begins a line of output: <c>reached:point</c>, or <c>reached:point=text</c>.</summary>
    public const string Reached = "reached:";

    /// <summary>Begins a line of input that releases a held point.</summary>
    public const string GoOn = "go:";

    private const string Hold = "--hold=";
    private const string Set = "--set=";

    public static IEnumerable<string> Render(string scenario, IEnumerable<string> hold, IReadOnlyDictionary<string, string> settings) =>
        [scenario, .. hold.Select(point => Hold + point), .. settings.Select(setting => $"{Set}{setting.Key}={setting.Value}")];

    public static (string Scenario, IReadOnlySet<string> Hold, IReadOnlyDictionary<string, string> Settings) Parse(string[] arguments)
    {
        var hold = arguments.Where(argument => argument.StartsWith(Hold, StringComparison.Ordinal))
            .Select(argument => argument[Hold.Length..]);
        var settings = arguments.Where(argument => argument.StartsWith(Set, StringComparison.Ordinal))
            .Select(argument => argument[Set.Length..].Split('=', 2));
        return (arguments.FirstOrDefault() ?? "", hold.ToHashSet(), settings.ToDictionary(pair => pair[0], pair => pair[1]));
    }
}
