namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Ends a test of a rule: every breach is listed, each on a line.</summary>
internal static class Breaches
{
    public static void None(IEnumerable<string> breaches)
    {
        var all = breaches.Distinct().ToList();
        Assert.True(all.Count == 0, $"{all.Count} breaches:\n" + string.Join('\n', all));
    }
}
