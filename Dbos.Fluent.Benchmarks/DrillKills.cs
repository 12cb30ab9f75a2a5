using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Kills one process after another in turn, and replaces each a little later.</summary>
internal sealed class DrillKills(List<Process> engines, Func<Process> start, TimeSpan every, TimeSpan gap)
{
    private TimeSpan nextKill = every / 2;
    private TimeSpan? nextStart;
    private int turn;

    /// <summary>How many were killed.</summary>
    public int Count { get; private set; }

    /// <summary>Does what is due.</summary>
    public async Task LookAsync(TimeSpan elapsed)
    {
        if (nextStart <= elapsed)
        {
            engines[turn].Dispose();
            engines[turn] = start();
            (turn, nextStart) = ((turn + 1) % engines.Count, null);
        }

        if (nextStart is null && nextKill <= elapsed)
        {
            engines[turn].Kill();
            await engines[turn].WaitForExitAsync();
            Count++;
            (nextKill, nextStart) = (nextKill + every, elapsed + gap);
        }
    }
}
