using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Retention;

/// <summary>Whether others write to the database beside a pass of retention, judged by the database's own count of transactions.</summary>
/// <remarks>
/// The database is taken to be busy until it has been watched for a second, and where it counts no transactions (SQLite). A pass thus
/// begins gently, and speeds up where nobody is disturbed.
/// </remarks>
/// <param name="readCommits">Reads how many transactions have been committed so far, by anybody; null where that is not counted.</param>
/// <param name="time">The system clock.</param>
internal sealed class OtherWork(Func<CancellationToken, Task<long?>> readCommits, TimeProvider time)
{
    // An idle engine commits two or three times a second. Applications that do less than this notice nothing of a pass at full speed.
    private const double BusyCommitsPerSecond = 100;

    // PostgreSQL's sessions report their transactions about once a second.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private (long Commits, long At)? last;
    private int own;
    private bool isBusy = true;

    /// <summary>Counts a transaction of the pass itself.</summary>
    public void AddOwn() => own++;

    /// <summary>Whether others commit so often that a pass at full speed would slow them down. Reads the count once a second at most.</summary>
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
