namespace Dbos.Fluent.Definitions;

/// <summary>The modifiers of a step with a body. Immutable.</summary>
internal sealed record RunStepOptions(RetryOptions? Retry = null, TimeSpan? Timeout = null)
{
    // The longest time a timer of the framework takes.
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    public static RunStepOptions Default { get; } = new();

    public static TimeSpan CheckTimeout(TimeSpan perAttempt)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(perAttempt, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(perAttempt, TimeoutMax);
        return perAttempt;
    }
}
