using Dbos.Fluent.Model;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Workflow time, on which processes agree even if a wall clock is wrong or jumps. It is the database's clock where there is one, carried
/// forward by this machine's monotonic clock. In virtual time it is the given provider's clock.
/// </summary>
internal sealed class StoreClock(TimeProvider time)
{
    // How far this machine's clock may go wrong meanwhile: 100 ms in 1,000 s is more than quartz does.
    private const double Drift = 1e-4;

    // Both clocks are read in whole milliseconds, and so is the middle between question and answer.
    private const double RoundingMs = 2;

    // Timers of the runtime take no more than 49.7 days.
    private static readonly TimeSpan TimerMax = TimeSpan.FromDays(49);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(1);

    private readonly Lock gate = new();
    private long baseMs = time.GetUtcNow().ToUnixTimeMilliseconds();
    private long baseStamp = time.GetTimestamp();
    private double doubtMs = double.PositiveInfinity;

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

    /// <summary>
    /// Adopts the database's answer to "what time is it", unless the known time is more precise and the answer does not contradict it.
    /// Virtual time stays as it is.
    /// </summary>
    /// <remarks>
    /// A late answer is imprecise: the process may have had no thread to receive it. One that contradicts the known time comes, for
    /// example, after the machine was suspended.
    /// </remarks>
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
            var doubt = Time.GetElapsedTime(askedStamp, now).TotalMilliseconds / 2;
            var moment = storeNowMs + (long)doubt;
            var sinceMs = Time.GetElapsedTime(baseStamp, now).TotalMilliseconds;
            var known = doubtMs + (sinceMs * Drift);
            if (doubt > known && Math.Abs(baseMs + (long)sinceMs - moment) <= doubt + known + RoundingMs)
            {
                return;
            }

            (baseMs, baseStamp, doubtMs) = (moment, now, doubt);
        }
    }

    /// <summary>Waits until a moment of workflow time has come.</summary>
    public async Task WaitUntilAsync(long momentMs, CancellationToken cancellationToken)
    {
        for (var leftMs = momentMs - NowMs; leftMs > 0; leftMs = momentMs - NowMs)
        {
            var piece = TimeSpan.FromMilliseconds(Math.Min(leftMs, Piece.TotalMilliseconds));
            await (Time == TimeProvider.System
                ? Task.Delay(piece, Time, cancellationToken)
                : DelayAsync(piece, momentMs - leftMs, cancellationToken)).ConfigureAwait(false);
        }
    }

    // Virtual time that goes forward before the timer is set would make the timer late, and unending if it then stands still.
    private async Task DelayAsync(TimeSpan piece, long readMs, CancellationToken cancellationToken)
    {
        using var set = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var delay = Task.Delay(piece, Time, set.Token);
        if (NowMs > readMs)
        {
            // Virtual time that goes on by itself, and much faster than ours, always has. Then this polls.
            await Task.WhenAny(delay, Task.Delay(Poll, TimeProvider.System, set.Token)).ConfigureAwait(false);
            await set.CancelAsync().ConfigureAwait(false);
        }

        await delay.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
