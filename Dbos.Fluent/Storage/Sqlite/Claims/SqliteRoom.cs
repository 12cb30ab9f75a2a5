namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>How many more may start, by the limits of a queue or of one of its partitions.</summary>
internal sealed class SqliteRoom
{
    /// <summary>By what runs, here and everywhere.</summary>
    public long Places { get; private set; } = long.MaxValue;

    /// <summary>By what started within the window.</summary>
    public long Starts { get; private set; } = long.MaxValue;

    public long Left => Math.Max(Math.Min(Places, Starts), 0);

    /// <summary>When the window has room again, if it has none.</summary>
    public long? RetryAtMs => Starts <= 0 ? retryAtMs : null;

    private long retryAtMs;

    public void LimitPlaces(long? limit, long taken)
    {
        if (limit is { } max)
        {
            Places = Math.Min(Places, max - taken);
        }
    }

    /// <summary>Counts a window.</summary>
    /// <param name="limit">How many it allows.</param>
    /// <param name="started">How many of them started within it.</param>
    /// <param name="retryAtMs">When the first of those leaves it, or, without any, one that starts now.</param>
    public void LimitStarts(long limit, long started, long retryAtMs) => (Starts, this.retryAtMs) = (limit - started, retryAtMs);

    public void Spend() => (Places, Starts) = (Places - 1, Starts - 1);
}
