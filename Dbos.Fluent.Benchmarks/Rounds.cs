using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>
/// The rounds of a mode. Those of the first seconds are not measured: as long as the runtime is compiling what runs often once more, that
/// takes up to half of two cores. A service has this behind it after its first minute.
/// </summary>
internal static class Rounds
{
    private const int WarmSeconds = 10;

    /// <summary>Repeats a round, as often as the command line says, for these figures.</summary>
    public static async Task RunAsync(Arguments run, int rounds, Func<Task> round, params Figures[] figures)
    {
        var warm = TimeSpan.FromSeconds(run.Number("warm", WarmSeconds));
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < warm;)
        {
            await round();
        }

        Array.ForEach(figures, one => one.Clear());
        for (var number = 0; number < run.Number("rounds", rounds); number++)
        {
            await round();
        }
    }
}
