using System.Globalization;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>
/// Seeds of random tests: a new one each time, printed with the test, or the one given in <c>DBOS_TEST_SEED</c> to run it again.
/// </summary>
internal static class Seeds
{
    private const string Variable = "DBOS_TEST_SEED";

    public static Random Next(out int seed) => new(seed = Given(otherwise: Random.Shared.Next()));

    /// <summary>The same seed each time, for tests that are to find the same each time; the variable still wins.</summary>
    public static Random Fixed(int seed) => new(Given(seed));

    private static int Given(int otherwise)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable(Variable), CultureInfo.InvariantCulture, out var given)
            ? given
            : otherwise;
        TestContext.Current.TestOutputHelper?.WriteLine($"{Variable}={seed}");
        return seed;
    }

    /// <summary>Lets a random while pass, up to a limit, for tests whose subject are faults at any moment.</summary>
    public static async Task MomentAsync(this Random random, TimeSpan atMost)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1 + (random.NextDouble() * atMost.TotalMilliseconds)));
        await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }
}
