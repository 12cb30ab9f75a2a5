namespace Dbos.Fluent.Definitions;

/// <summary>The modifiers of a step with a body. Immutable.</summary>
/// <param name="Retry">Null: one attempt.</param>
/// <param name="Timeout">Null: an attempt has no time limit.</param>
/// <param name="Undo">Undoes the step, given its decoded result; null if nothing is to be undone.</param>
internal sealed record RunStepOptions(
    RetryOptions? Retry = null, TimeSpan? Timeout = null, Func<StepContext, object?, Task>? Undo = null)
{
    // The longest time that a framework timer accepts.
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    public static RunStepOptions Default { get; } = new();

    public static TimeSpan CheckTimeout(string step, TimeSpan perAttempt) => perAttempt > TimeSpan.Zero && perAttempt <= TimeoutMax
        ? perAttempt
        : throw new ArgumentOutOfRangeException(
            nameof(perAttempt), perAttempt, $"Step '{step}': the limit of an attempt is longer than zero, and at most about 49 days.");
}
