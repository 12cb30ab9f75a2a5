namespace Dbos.Fluent.Tests.Crash;

/// <summary>That nothing is lost and nothing run twice, as far as the database tells.</summary>
/// <param name="parks">Which of them may leave memory while they wait, and go on in another process.</param>
internal sealed class QueueProgress(Func<QueuedRow, bool> parks)
{
    private Dictionary<string, QueuedRow> before = [];

    /// <summary>Asserts it; it is to be called with each look.</summary>
    /// <param name="look">The look.</param>
    /// <param name="enqueued">How many workflows there are.</param>
    /// <param name="checkpoints">How many checkpoints a workflow of a name has when it has succeeded.</param>
    /// <param name="killed">The executors of the processes that were killed.</param>
    public void Check(QueueLook look, int enqueued, Func<string, int> checkpoints, IReadOnlyCollection<string> killed)
    {
        Assert.Equal(enqueued, look.Rows.Count);
        var now = look.Rows.ToDictionary(row => row.Id);
        Assert.DoesNotContain(before.Keys, id => !now.ContainsKey(id));
        foreach (var row in look.Rows)
        {
            var all = checkpoints(row.Name);
            Assert.True(row.Status == "SUCCESS" ? row.Checkpoints == all : row.Checkpoints <= all, $"{all} checkpoints: {row}");
            Assert.True(row.Waits || row.Runs || row.HasEnded || (row.IsParked && parks(row)), $"{row}");
            Assert.InRange(row.Attempts, 0, 1 + killed.Count);
            if (before.TryGetValue(row.Id, out var was))
            {
                CheckChange(was, row, killed);
            }
        }

        before = now;
    }

    private void CheckChange(QueuedRow was, QueuedRow row, IReadOnlyCollection<string> killed)
    {
        Assert.True(!was.HasEnded || was == row, $"{was} had ended, and became {row}");
        Assert.True(row.Attempts >= was.Attempts && row.Checkpoints >= was.Checkpoints, $"{was} became {row}");
        var sameRun = row.Attempts == was.Attempts && row.Executor == was.Executor && !row.Waits;
        Assert.True(
            !was.Runs || sameRun || parks(was) || killed.Contains(was.Executor!), $"{was} was run, and nobody killed its process: {row}");
    }
}
