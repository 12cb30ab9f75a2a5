using Dbos.Fluent.Model;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Workflow time, on which processes agree even if a wall clock is wrong or jumps. It is the database's clock where there is one, carried
/// forward by this machine's monotonic clock. In virtual time it is the given provider's clock.
/// </summary>
internal sealed class StoreClock(TimeProvider time)
{
    // A late answer is imprecise: the process may have had no thread to receive it. The known time stays unless the answer contradicts it,
    // as after a machine was suspended.
    private static readonly TimeSpan Prompt = TimeSpan.FromMilliseconds(500);

    // Timers of the runtime take no more than 49.7 days.
    private static readonly TimeSpan TimerMax = TimeSpan.FromDays(49);

    private readonly Lock gate = new();
    private long baseMs = time.GetUtcNow().ToUnixTimeMilliseconds();
    private long baseStamp = time.GetTimestamp();
    private bool synchronized;

    public TimeProvider Time { get; } = time;

    /// <summary>How long a wait relies on the timer before it reads the clock again.</summary>
    // Timers stop while a machine is suspended, and do not notice when the database's clock is set. Neither happens to virtual time, in
    // which a test may go forward by years.
    public TimeSpan Piece { get; init; } = time == TimeProvider.System ? TimeSpan.FromSeconds(30) : TimerMax;

    public long NowMs
    {
        get
        {
            lock (gate)
            {
                return baseMs + (long)Time.GetElapsedTime(baseStamp).TotalMilliseconds;
            }
        }
    }

    public DateTimeOffset UtcNow => EpochMs.ToMoment(NowMs);

    /// <summary>Adopts the database's answer to "what time is it"; virtual time stays as it is.</summary>
    /// <param name="storeNowMs">The answer.</param>
    /// <param name="askedStamp">When the question was sent: the database read its clock between then and now.</param>
    public void Synchronize(long storeNowMs, long askedStamp)
    {
        if (Time != TimeProvider.System)
        {
            return;
        }

        lock (gate)
        {
            var now = Time.GetTimestamp();
            var taken = Time.GetElapsedTime(askedStamp, now);
            var moment = storeNowMs + (long)(taken.TotalMilliseconds / 2);
            var known = baseMs + (long)Time.GetElapsedTime(baseStamp, now).TotalMilliseconds;
            if (synchronized && taken > Prompt && Math.Abs(known - moment) <= taken.TotalMilliseconds / 2)
            {
                return;
            }

            (baseMs, baseStamp, synchronized) = (moment, now, true);
        }
    }

    /// <summary>Waits until a moment of workflow time has come.</summary>
    public async Task WaitUntilAsync(long momentMs, CancellationToken cancellationToken)
    {
        for (var leftMs = momentMs - NowMs; leftMs > 0; leftMs = momentMs - NowMs)
        {
            var piece = TimeSpan.FromMilliseconds(Math.Min(leftMs, Piece.TotalMilliseconds));
            await Task.Delay(piece, Time, cancellationToken).ConfigureAwait(false);
        }
    }
}
