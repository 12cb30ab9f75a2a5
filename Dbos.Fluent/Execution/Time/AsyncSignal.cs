namespace Dbos.Fluent.Execution;

/// <summary>Wakes one loop. Setting it again before a wait changes nothing; a wait resets it.</summary>
internal sealed class AsyncSignal : IDisposable
{
    private readonly SemaphoreSlim semaphore = new(0);
    private int isSet;

    public void Set()
    {
        try
        {
            if (Interlocked.Exchange(ref isSet, 1) == 0)
            {
                semaphore.Release();
            }
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended before a caller that still signals it. There is nothing left to wake.
        }
    }

    /// <summary>Waits for the signal, or at most this long of real time.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        if (await semaphore.WaitAsync(atMost, cancellationToken).ConfigureAwait(false))
        {
            // A full fence: what the loop reads next is no older than this.
            Interlocked.Exchange(ref isSet, 0);
        }
    }

    public void Dispose() => semaphore.Dispose();
}
