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

    // Nobody rests longer than that from the end of an outage on, as one that rests tries so often.
    private static readonly TimeSpan LeaderLongest = TimeSpan.FromSeconds(5);

    /// <summary>As many tries in a row without an answer in time are enough, where the call does not change from one to the next.</summary>
    public const int TimeoutsMax = 3;

    /// <summary>Calls until it succeeds or is cancelled; <paramref name="call"/> learns how often it was tried before.</summary>
    public static Task<T> RepeatAsync<T>(Func<int, Task<T>> call, CancellationToken cancellationToken) =>
        RepeatAsync(call, _ => null, cancellationToken);

    /// <summary>
    /// The same for a call that may be of any size, and that somebody waits for. What was not answered in time again and again would not
    /// be after the hundredth try either, and keeps the database from everything else: it ends with the exception.
    /// </summary>
    /// <param name="doing">What the database is asked to do, in the words of the exception.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <param name="timeoutsMax">After how many tries in a row without an answer in time.</param>
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
    /// <param name="failures">So many tries have failed before the last one.</param>
    /// <param name="contact">Tells when the database is reached again; null where it is, and something else was the matter.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives it up.</param>
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
            // Not at once when it is back: one call that came through may have been the only one.
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
    /// The wait after so many failures before this one: none after the first, as a pooled connection may just have been stale.
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
