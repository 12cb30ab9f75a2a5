namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// That priorities are honoured, and age within them: nothing is begun while something waits that came before it in its line, and had
/// waited for long.
/// </summary>
internal sealed class QueueOrder
{
    private readonly HashSet<string> seen = [];

    /// <summary>Asserts it of all that has been begun since the last look: what it passed is seen now, also if that waits yet.</summary>
    // A process that died puts back what it ran, with its age, so that only first starts say whom they passed.
    public void Check(QueueLook look)
    {
        foreach (var line in look.ByQueue)
        {
            var first = line.Where(row => row.Waits ? row.Attempts == 0 : row.Attempts == 1).ToList();
            foreach (var late in first.Where(row => row.Started is not null && seen.Add(row.Id)).ToList())
            {
                var passed = first.Find(early => early.IsBefore(late)
                    && early.Created + QueueLook.Doubt < late.Started
                    && (early.Started ?? long.MaxValue) > late.Started);
                Assert.True(passed is null, $"{late} passed {passed}");
            }
        }
    }
}
