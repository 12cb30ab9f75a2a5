using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>
/// Repeats a store call while the database cannot be reached: at once, then after 1 s, doubling to 60 s, with jitter; but soon after
/// another call has reached it again.
/// </summary>
/// <remarks>On the system clock: an outage is real whatever time the workflows live in.</remarks>
internal static class StoreBackoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    // Bounds the rest after an outage ends: the one that leads tries this often, and the others follow it.
    private static readonly TimeSpan LeaderLongest = TimeSpan.FromSeconds(5);

    /// <summary>How many tries in a row may time out, for a call that does not change from one try to the next.</summary>
    public const int TimeoutsMax = 3;

    /// <summary>Calls until it succeeds or is cancelled; <paramref name="call"/> gets the number of earlier tries.</summary>
    public static Task<T> RepeatAsync<T>(Func<int, Task<T>> call, CancellationToken cancellationToken) =>
        RepeatAsync(call, _ => null, cancellationToken);

    /// <summary>
    /// The same for a call of any size that somebody waits for. After several timeouts in a row the hundredth try would time out too, and
    /// meanwhile the call keeps the database from everything else: it ends with the exception.
    /// </summary>
    /// <param name="doing">What the database is asked to do, in the words of the exception.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <param name="timeoutsMax">How many timeouts in a row end the call.</param>
    public static Task<T> RepeatInTimeAsync<T>(
        string doing, Func<int, Task<T>> call, CancellationToken cancellationToken, int timeoutsMax = TimeoutsMax)
    {
        var timeouts = 0;
        return RepeatAsync(
            call,
            exception => (timeouts = exception.TimedOut ? timeouts + 1 : 0) < timeoutsMax
                ? null
                : StoreUnavailableException.TookTooLong(doing, timeoutsMax, exception),
            cancellationToken);
    }

    private static async Task<T> RepeatAsync<T>(
        Func<int, Task<T>> call, Func<StoreUnavailableException, StoreUnavailableException?> giveUp, CancellationToken cancellationToken)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                return await call(failures).ConfigureAwait(false);
            }
            catch (StoreUnavailableException exception)
            {
                if (giveUp(exception) is { } last)
                {
                    throw last;
                }

                await RestAsync(failures, exception.Contact, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Rests before another try of a call.</summary>
    /// <param name="failures">How many tries failed before the last one.</param>
    /// <param name="contact">Tells when the database is reached again; null if it is reached, and the failure has another cause.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Cancels the rest.</param>
    public static async Task RestAsync(int failures, StoreContact? contact, TimeProvider time, CancellationToken cancellationToken)
    {
        var whole = DelayAfter(failures);
        var least = DelayAfter(1);
        if (contact is null || whole <= least)
        {
            await Task.Delay(whole, time, cancellationToken).ConfigureAwait(false);
            return;
        }

        var leads = contact.TryLead();
        try
        {
            // Not immediately when it is back: the one call that got through may have been the only one.
            await Task.Delay(least, time, cancellationToken).ConfigureAwait(false);
            await contact.Back.WaitAsync((leads && whole > LeaderLongest ? LeaderLongest : whole) - least, time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            if (leads)
            {
                contact.StopLeading();
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>
    /// The wait after so many failures before this one: none after the first, because a pooled connection may just have been stale.
    /// </summary>
    public static TimeSpan DelayAfter(int failures)
    {
        if (failures == 0)
        {
            return TimeSpan.Zero;
        }

        var nominal = Math.Min(First.TotalMilliseconds * Math.Pow(2, failures - 1), Longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(nominal * (0.5 + Random.Shared.NextDouble()));
    }
}
