namespace Dbos.Fluent.Definitions;

/// <summary>When and how often a failing step body is tried again. Checked on creation.</summary>
internal sealed record RetryOptions(
    int Attempts, TimeSpan Delay, double Backoff, TimeSpan MaxDelay, Func<Exception, bool>? RetryIf, double Jitter)
{
    public static RetryOptions Create(
        int attempts, TimeSpan? delay, double backoff, TimeSpan? maxDelay, Func<Exception, bool>? retryIf, double jitter)
    {
        var first = delay ?? TimeSpan.FromSeconds(1);
        var longest = maxDelay ?? TimeSpan.FromHours(1);
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(first, TimeSpan.Zero, nameof(delay));
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, TimeSpan.Zero, nameof(maxDelay));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(longest, TimeSpan.FromDays(24), nameof(maxDelay));
        if (!double.IsFinite(backoff) || backoff < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(backoff), backoff, "The back-off factor is a finite number of at least 1.");
        }

        if (!double.IsFinite(jitter) || jitter is < 0 or > 1)
        {
            throw new ArgumentOutOfRangeException(nameof(jitter), jitter, "Jitter lies between 0 and 1.");
        }

        return new RetryOptions(attempts, first, backoff, longest, retryIf, jitter);
    }

    /// <summary>
    /// The wait after the given failed attempt (from 1), before jitter; never above <see cref="MaxDelay"/>, whatever the factor.
    /// </summary>
    public TimeSpan DelayAfter(int attempt)
    {
        var ticks = Delay.Ticks * Math.Pow(Backoff, attempt - 1);
        return ticks < MaxDelay.Ticks ? TimeSpan.FromTicks((long)ticks) : MaxDelay;
    }
}
