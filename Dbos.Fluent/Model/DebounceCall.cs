namespace Dbos.Fluent.Model;

/// <summary>One call of a debounced start; the constructor checks it.</summary>
internal sealed record DebounceCall
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(36_525);

    /// <exception cref="ArgumentException">
    /// The key is invalid, or the options set a delay or a deduplication id, which the call itself sets.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The period is negative, the limit is zero or negative, or either is too long.
    /// </exception>
    public DebounceCall(string key, TimeSpan period, TimeSpan? atMost, StartOptions options)
    {
        Key = Names.CheckName(key, nameof(key));
        ArgumentOutOfRangeException.ThrowIfLessThan(period, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(period, LongestWait);
        if (options.Delay is not null || options.DeduplicationId is not null)
        {
            throw new ArgumentException(
                "The period of a debounced start is its delay, and the key its deduplication id: leave them out of the options.",
                nameof(options));
        }

        (Period, AtMost) = (period, CheckAtMost(atMost, nameof(atMost)));
    }

    public string Key { get; }

    public TimeSpan Period { get; }

    public TimeSpan? AtMost { get; }

    /// <summary>Checks the longest time a start may be postponed, and returns it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is zero, negative or too long.</exception>
    public static TimeSpan? CheckAtMost(TimeSpan? atMost, string parameter)
    {
        if (atMost is { } limit)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, parameter);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, LongestWait, parameter);
        }

        return atMost;
    }

    /// <summary>How long the first call is delayed.</summary>
    public TimeSpan Delay => TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(Period.TotalMilliseconds)));

    public long? AtMostMs => AtMost is { } limit ? (long)Math.Ceiling(limit.TotalMilliseconds) : null;

    /// <summary>
    /// The deduplication id that calls with one key share, in the form all SDKs use. Other SDKs put a workflow's class before the dot.
    /// </summary>
    public string DeduplicationId(string workflowName) => $".{workflowName}-{Key}";
}
