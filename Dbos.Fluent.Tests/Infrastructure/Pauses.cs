namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Processes that stand still while others go on.</summary>
internal static class Pauses
{
    private static readonly TimeSpan Free = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Pauses a process between its writes. One that stands still in the midst of a write holds the lock of an SQLite file, and everybody
    /// waits for it: another matter than whose a workflow is.
    /// </summary>
    public static async Task PauseAsync(this TestDatabase database, ChildProcess process)
    {
        while (true)
        {
            await process.PauseAsync();
            if (database is not SqliteTestDatabase)
            {
                return;
            }

            // The driver waits for the lock on the thread that asks.
            var write = Task.Run(() => database.ExecuteAsync("BEGIN IMMEDIATE; ROLLBACK"));
            try
            {
                await write.WaitAsync(Free);
                return;
            }
            catch (TimeoutException) when (!write.IsCompleted)
            {
                await process.ContinueAsync();
                await write.Within(Bounded.Limit);
            }
        }
    }
}
