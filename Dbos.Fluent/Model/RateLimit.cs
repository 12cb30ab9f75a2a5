namespace Dbos.Fluent;

/// <summary>
/// How many workflows may be started from a queue in any period of a given length: a rolling window, not a calendar period.
/// </summary>
/// <remarks>
/// The limit counts starts, not completions, on the database's clock and over all processes of the application. A start that is cancelled,
/// or resumed while it runs, gives its place back. A start that a crash or a shutdown cuts short keeps its place until its window has
/// passed, and the start that follows takes another one. A workflow that continues after a wait takes no new place.
/// </remarks>
public sealed record RateLimit
{
    private static readonly TimeSpan PerMin = TimeSpan.FromMilliseconds(1);

    /// <summary>Makes a limit.</summary>
    /// <param name="Starts">How many workflows may start; at least one.</param>
    /// <param name="Per">
    /// The length of the window; at least a millisecond, at most 365 days. Fractions of a millisecond are rounded up.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="Starts"/> is less than one, or <paramref name="Per"/> is out of its range.
    /// </exception>
    public RateLimit(int Starts, TimeSpan Per) => (this.Starts, this.Per) = (Starts, Per);

    /// <summary>How many workflows may start in one window.</summary>
    /// <value>At least one: to stop a queue, pause it.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one.</exception>
    public int Starts
    {
        get;
        init => field = value < 1
            ? throw new ArgumentOutOfRangeException(
                nameof(Starts), value, "A rate limit lets at least one workflow start: pause the queue instead.")
            : value;
    }

    /// <summary>The length of the window.</summary>
    /// <value>From one millisecond to 365 days, in whole milliseconds: a fraction is rounded up.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of its range.</exception>
    public TimeSpan Per
    {
        get;
        init => field = value < PerMin || value > TimeSpan.FromDays(365)
            ? throw new ArgumentOutOfRangeException(
                nameof(Per), value, "The window of a rate limit lasts from one millisecond to 365 days.")
            : RoundUp(value);
    }

    /// <summary>Deconstructs the limit into its parts.</summary>
    /// <param name="Starts">How many workflows may start.</param>
    /// <param name="Per">The length of the window.</param>
    public void Deconstruct(out int Starts, out TimeSpan Per) => (Starts, Per) = (this.Starts, this.Per);

    // The stores count in milliseconds, and a start counts until its whole window has passed.
    private static TimeSpan RoundUp(TimeSpan window) =>
        TimeSpan.FromMilliseconds((window.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
}
