namespace Dbos.Fluent.Model;

/// <summary>What is said with each call of a debounced start. Checked when it is made.</summary>
internal sealed record DebounceCall
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(36_525);

    /// <exception cref="ArgumentException">The key is not a name, or the options say what the call says.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The period is negative, the limit not longer than zero, or one is too long.
    /// </exception>
    public DebounceCall(string key, TimeSpan period, TimeSpan? atMost, StartOptions options)
    {
        Key = Names.CheckName(key, nameof(key));
        ArgumentOutOfRangeException.ThrowIfLessThan(period, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(period, LongestWait);
        if (atMost is { } limit)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(atMost));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, LongestWait, nameof(atMost));
        }

        if (options.Delay is not null || options.DeduplicationId is not null)
        {
            throw new ArgumentException(
                "The period of a debounced start is its delay, and the key its deduplication id: leave them out of the options.",
                nameof(options));
        }

        (Period, AtMost) = (period, atMost);
    }

    public string Key { get; }

    public TimeSpan Period { get; }

    public TimeSpan? AtMost { get; }

    /// <summary>How long the first call is held back.</summary>
    public TimeSpan Delay => TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(Period.TotalMilliseconds)));

    public long? AtMostMs => AtMost is { } limit ? (long)Math.Ceiling(limit.TotalMilliseconds) : null;

    /// <summary>
    /// What calls of one key share, in the form of all SDKs; it has room for the class that a workflow belongs to elsewhere.
    /// </summary>
    public string DeduplicationId(string workflowName) => $".{workflowName}-{Key}";
}
