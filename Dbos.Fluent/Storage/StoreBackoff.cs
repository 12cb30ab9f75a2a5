namespace Dbos.Fluent.Storage;

/// <summary>Repeats a store call while the database cannot be reached: at once, then after 1 s, doubling to 60 s, with jitter.</summary>
/// <remarks>On the system clock: an outage is real whatever time the workflows live in.</remarks>
internal static class StoreBackoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>Calls until it succeeds or is cancelled; <paramref name="call"/> learns how often it was tried before.</summary>
    public static async Task<T> RepeatAsync<T>(Func<int, Task<T>> call, CancellationToken cancellationToken)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                return await call(failures).ConfigureAwait(false);
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(DelayAfter(failures), TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
        }
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
