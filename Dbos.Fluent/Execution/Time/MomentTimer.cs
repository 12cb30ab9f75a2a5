namespace Dbos.Fluent.Execution;

/// <summary>Calls once at a moment of workflow time; a new moment replaces the one before.</summary>
internal sealed class MomentTimer(StoreClock clock, Action due, CancellationToken stopped) : IDisposable
{
    /// <summary>
    /// How far the database's clock is taken to be behind this one at the most: something that was due for longer and still could not be
    /// taken is in somebody else's hands, and not tried again before the next look at everything.
    /// </summary>
    public const long SkewMs = 250;
    private const long RetryMs = 10;

    private readonly Lock gate = new();
    private CancellationTokenSource? waiting;
    private long? momentMs;

    /// <summary>Sets the moment; null for none. Setting the same again changes nothing.</summary>
    public void Set(long? moment)
    {
        lock (gate)
        {
            if (momentMs == moment || stopped.IsCancellationRequested)
            {
                return;
            }

            waiting?.Cancel();
            waiting?.Dispose();
            (waiting, momentMs) = (null, moment);
            if (moment is { } at)
            {
                waiting = CancellationTokenSource.CreateLinkedTokenSource(stopped);

                // Nobody awaits it: it calls, or is cancelled.
                _ = CallAtAsync(at, waiting.Token);
            }
        }
    }

    /// <summary>Sets the moment at which something is tried that is due at another, perhaps not by the database's clock yet.</summary>
    public void SetTry(long? dueMs)
    {
        var now = clock.NowMs;
        Set(dueMs > now ? dueMs : dueMs > now - SkewMs ? now + RetryMs : null);
    }

    public void Dispose()
    {
        lock (gate)
        {
            waiting?.Cancel();
            waiting?.Dispose();
            waiting = null;
        }
    }

    private async Task CallAtAsync(long at, CancellationToken cancellationToken)
    {
        try
        {
            await clock.WaitUntilAsync(at, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        lock (gate)
        {
            if (momentMs != at)
            {
                return;
            }

            momentMs = null;
        }

        due();
    }
}
