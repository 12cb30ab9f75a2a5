namespace Dbos.Fluent.Definitions;

/// <summary>When and how often a failing step body is retried. Checked on creation; the step's name is for the error messages.</summary>
internal sealed record RetryOptions(
    int Attempts, TimeSpan Delay, double Backoff, TimeSpan MaxDelay, Func<Exception, bool>? RetryIf, double Jitter)
{
    private static readonly TimeSpan LongestMax = TimeSpan.FromDays(24);

    public static RetryOptions Create(
        string step, int attempts, TimeSpan? delay, double backoff, TimeSpan? maxDelay, Func<Exception, bool>? retryIf, double jitter)
    {
        var first = delay ?? TimeSpan.FromSeconds(1);
        var longest = maxDelay ?? TimeSpan.FromHours(1);
        Require(attempts >= 1, nameof(attempts), attempts, "it is attempted at least once");
        Require(first >= TimeSpan.Zero, nameof(delay), first, "the wait before a retry is not negative");
        Require(longest >= TimeSpan.Zero && longest <= LongestMax, nameof(maxDelay), longest, "the longest wait is zero to 24 days");
        Require(double.IsFinite(backoff) && backoff >= 1, nameof(backoff), backoff, "the back-off factor is a finite number of at least 1");
        Require(double.IsFinite(jitter) && jitter is >= 0 and <= 1, nameof(jitter), jitter, "jitter lies between 0 and 1");
        return new RetryOptions(attempts, first, backoff, longest, retryIf, jitter);

        void Require(bool holds, string argument, object value, string rule)
        {
            if (!holds)
            {
                throw new ArgumentOutOfRangeException(argument, value, $"Step '{step}': {rule}.");
            }
        }
    }

    /// <summary>The wait after the given failed attempt (from 1), before jitter; never longer than <see cref="MaxDelay"/>.</summary>
    public TimeSpan DelayAfter(int attempt)
    {
        if (Delay == TimeSpan.Zero)
        {
            // The factor becomes infinite, and zero times that is not a number.
            return TimeSpan.Zero;
        }

        var ticks = Delay.Ticks * Math.Pow(Backoff, attempt - 1);
        return ticks < MaxDelay.Ticks ? TimeSpan.FromTicks((long)ticks) : MaxDelay;
    }
}
