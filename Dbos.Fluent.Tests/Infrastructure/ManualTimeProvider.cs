using System.Threading.Channels;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A clock that moves only when told to; timers fire in the order they are due, on the caller of <see cref="Advance"/>.</summary>
/// <remarks>
/// What a timer wakes may go on on the thread pool after <see cref="Advance"/> returns: a test waits for a signal, not for the clock.
/// </remarks>
public sealed class ManualTimeProvider(DateTimeOffset? start = null) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly Channel<TimeSpan> timers = Channel.CreateUnbounded<TimeSpan>();
    private readonly PriorityQueue<(ManualTimer Timer, long Version), (long Due, long Order)> queue = new();
    private readonly DateTimeOffset start = start ?? new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long ticks;
    private long order;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>The clock in the unit of the database's columns.</summary>
    public long NowMs => GetUtcNow().ToUnixTimeMilliseconds();

    /// <inheritdoc/>
    public override long GetTimestamp() => Interlocked.Read(ref ticks);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => start.AddTicks(GetTimestamp());

    /// <summary>Timers set and not waited for with <see cref="NextTimerAsync"/>.</summary>
    public int TimersSet => timers.Reader.Count;

    /// <summary>Timers that will still fire.</summary>
    public int TimersPending
    {
        get
        {
            lock (gate)
            {
                return queue.UnorderedItems.Count(item => item.Element.Version == item.Element.Timer.Version);
            }
        }
    }

    /// <summary>Waits until somebody sets a timer, and gives after what time it is due; each setting is waited for once.</summary>
    public Task<TimeSpan> NextTimerAsync() => timers.Reader.ReadAsync(TestContext.Current.CancellationToken).Within(Bounded.Limit);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock forward and fires what becomes due on the way, each at its own moment.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var target = GetTimestamp() + by.Ticks;
        while (NextDue(target) is { } timer)
        {
            timer.Fire();
        }
    }

    private ManualTimer? NextDue(long target)
    {
        lock (gate)
        {
            while (queue.TryPeek(out var head, out var when) && when.Due <= target)
            {
                queue.Dequeue();
                if (head.Version != head.Timer.Version)
                {
                    continue;
                }

                ticks = Math.Max(ticks, when.Due);
                if (head.Timer.Period > TimeSpan.Zero)
                {
                    Enqueue(head.Timer, when.Due + head.Timer.Period.Ticks);
                }

                return head.Timer;
            }

            ticks = Math.Max(ticks, target);
            return null;
        }
    }

    private void Enqueue(ManualTimer timer, long due) => queue.Enqueue((timer, timer.Version), (due, order++));

    private sealed class ManualTimer(ManualTimeProvider owner, TimerCallback callback, object? state) : ITimer
    {
        // A changed or disposed timer leaves its old entries in the queue; they no longer carry its version.
        public long Version { get; private set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner.gate)
            {
                Version++;
                Period = period;
                if (dueTime >= TimeSpan.Zero)
                {
                    owner.Enqueue(this, owner.ticks + dueTime.Ticks);
                    owner.timers.Writer.TryWrite(dueTime);
                }
            }

            if (dueTime == TimeSpan.Zero)
            {
                owner.Advance(TimeSpan.Zero);
            }

            return true;
        }

        public void Dispose()
        {
            lock (owner.gate)
            {
                Version++;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
