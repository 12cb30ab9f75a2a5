using Dbos.Fluent.Model;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>Invokes a callback once, at a moment of workflow time. A new moment replaces the previous one.</summary>
internal sealed class MomentTimer(StoreClock clock, ILogger logger, Action due, CancellationToken stopped) : IDisposable
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

                // Not awaited: it invokes the callback, is cancelled, or logs why it failed.
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
            if (TakeMoment(at))
            {
                due();
            }
        }
        catch (OperationCanceledException)
        {
            // Another moment has replaced this one, or the engine stops.
        }
        catch (Exception exception)
        {
            // A clock that an application has given may fail. The polls then find what is due, and the next look sets the timer again.
            TakeMoment(at);
            logger.TimerFailed(EpochMs.ToMoment(at), exception);
        }
    }

    private bool TakeMoment(long at)
    {
        lock (gate)
        {
            if (momentMs != at)
            {
                return false;
            }

            momentMs = null;
            return true;
        }
    }
}
