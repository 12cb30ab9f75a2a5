using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Retention;

/// <summary>Tells whether others write to the database during a retention pass, from the database's own count of transactions.</summary>
/// <remarks>
/// The database counts as busy until it has been watched for a second, and always if it counts no transactions (SQLite). A pass thus begins
/// gently, and speeds up if it disturbs nobody.
/// </remarks>
/// <param name="readCommits">Reads how many transactions anyone has committed so far; null if the database does not count them.</param>
/// <param name="time">The system clock.</param>
internal sealed class OtherWork(Func<CancellationToken, Task<long?>> readCommits, TimeProvider time)
{
    // An idle engine commits two or three times a second. Applications below this rate do not notice a pass at full speed.
    private const double BusyCommitsPerSecond = 100;

    // PostgreSQL's sessions report their transactions about once a second.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private (long Commits, long At)? last;
    private int own;
    private bool isBusy = true;

    /// <summary>Counts a transaction of the pass itself.</summary>
    public void AddOwn() => own++;

    /// <summary>
    /// Whether others commit so often that a pass at full speed would slow them down. Reads the count at most once a second.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database cannot be reached.</exception>
    public async Task<bool> IsBusyAsync(CancellationToken cancellationToken)
    {
        if (last is { } recent && time.GetElapsedTime(recent.At) < Interval)
        {
            return isBusy;
        }

        if (await readCommits(cancellationToken).ConfigureAwait(false) is not { } commits)
        {
            return isBusy;
        }

        var now = time.GetTimestamp();
        if (last is { } before)
        {
            isBusy = commits - before.Commits - own > BusyCommitsPerSecond * time.GetElapsedTime(before.At, now).TotalSeconds;
        }

        (last, own) = ((commits, now), 1);
        return isBusy;
    }
}
