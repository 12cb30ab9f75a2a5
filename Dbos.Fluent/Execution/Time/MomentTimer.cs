namespace Dbos.Fluent.Execution;

/// <summary>Invokes a callback once, at a moment of workflow time. A new moment replaces the previous one.</summary>
internal sealed class MomentTimer(StoreClock clock, Action due, CancellationToken stopped) : IDisposable
{
    /// <summary>
    /// The assumed maximum by which the database's clock is behind this one. A row that has been due for longer and still cannot be taken
    /// is held by another executor. It is not tried again before the next full look.
    /// </summary>
    public const long SkewMs = 250;
    private const long RetryMs = 10;

    private readonly Lock gate = new();
    private CancellationTokenSource? waiting;
    private long? momentMs;

    /// <summary>Sets the moment; null clears it. Setting the same moment again changes nothing.</summary>
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

                // Not awaited: it invokes the callback or is cancelled.
                _ = CallAtAsync(at, waiting.Token);
            }
        }
    }

    /// <summary>Sets when to try what is due at a given moment, which the database's clock may not have reached yet.</summary>
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
