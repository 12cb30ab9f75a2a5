using System.Globalization;
using Dbos.Fluent.Tests.Worker.Chaos;

namespace Dbos.Fluent.Benchmarks;

/// <summary>The chaos run of the tests, for as long as asked, on a PostgreSQL server of its own.</summary>
internal static class ChaosMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var options = new ChaosOptions(
            run.Number("seed", Random.Shared.Next()), run.Number("workflows", 5000), TimeSpan.FromSeconds(run.Number("seconds", 30)))
        {
            SettlingLimit = TimeSpan.FromSeconds(run.Number("settle", 300)),
        };
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed={options.Seed}"));
        var verdict = await ChaosRun.RunAsync(options, Console.WriteLine, CancellationToken.None);
        Console.WriteLine(verdict.Summary);
        foreach (var breach in verdict.Breaches)
        {
            Console.WriteLine("BREACH " + breach);
        }

        Console.WriteLine(verdict.Breaches.Count == 0 ? "nothing lost, nothing doubled, nothing left over" : "FAILED");
        return verdict.Breaches.Count == 0 ? 0 : 1;
    }
}
