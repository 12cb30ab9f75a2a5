namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// That priorities are honoured, and age within them: nothing is begun while something waits that comes before it in its line and had
/// been seen to wait.
/// </summary>
internal sealed class QueueOrder
{
    /// <summary>For how many milliseconds a claim may be under way between what it sees of a line and the start that it writes.</summary>
    public const long Doubt = 1000;

    private readonly HashSet<string> begun = [];
    private readonly Dictionary<string, long> waitsSince = [];

    /// <summary>Asserts it of all that has been begun since the last look: what it passed is seen now, also if that waits yet.</summary>
    // Whatever was seen to wait, a claim that began later saw too, however late its row became visible after the moment that it names.
    // A process that died puts back what it ran, with its age, so that only first starts say whom they passed.
    public void Check(QueueLook look)
    {
        foreach (var line in look.ByQueue)
        {
            var first = line.Where(row => row.Waits ? row.Attempts == 0 : row.Attempts == 1).ToList();
            foreach (var late in first.Where(row => row.Started is not null && begun.Add(row.Id)).ToList())
            {
                var passed = first.Find(early => early.IsBefore(late)
                    && waitsSince.TryGetValue(early.Id, out var since) && since + Doubt < late.Started
                    && (early.Started ?? long.MaxValue) > late.Started);
                Assert.True(passed is null, $"{late} passed {passed}");
            }

            foreach (var row in first.Where(row => row.Waits))
            {
                waitsSince.TryAdd(row.Id, look.Now);
            }
        }
    }
}
