namespace Dbos.Fluent.Execution;

/// <summary>Lets the statement that is in flight at a stop end by itself, if it ends soon.</summary>
/// <remarks>
/// To cancel a statement takes a connection of its own, and the server starts a process for it. Most statements are over before that.
/// </remarks>
internal static class LastStatement
{
    /// <summary>
    /// How long after the request to stop a statement is cancelled. A database that does not answer delays the stop by this.
    /// </summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs a statement with a token that is cancelled a little after the stop. None begins after the stop.</summary>
    /// <param name="statement">The statement.</param>
    /// <param name="stopping">Cancelled when the stop is requested.</param>
    /// <param name="time">The clock; the system's if not given.</param>
    public static async Task<T> FinishAsync<T>(
        Func<CancellationToken, Task<T>> statement, CancellationToken stopping, TimeProvider? time = null)
    {
        stopping.ThrowIfCancellationRequested();
        using var end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time ?? TimeProvider.System);
        using var request = stopping.UnsafeRegister(static state => ((CancellationTokenSource)state!).CancelAfter(Grace), end);
        return await statement(end.Token).ConfigureAwait(false);
    }
}
