namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>How many more workflows may start within the limits of a queue or of one of its partitions.</summary>
internal sealed class SqliteRoom
{
    /// <summary>What the limits on running workflows leave, here and everywhere.</summary>
    public long Places { get; private set; } = long.MaxValue;

    /// <summary>What the limit on starts within the window leaves.</summary>
    public long Starts { get; private set; } = long.MaxValue;

    public long Left => Math.Max(Math.Min(Places, Starts), 0);

    /// <summary>When the window has room again; null if it has room now.</summary>
    public long? RetryAtMs => Starts <= 0 ? retryAtMs : null;

    private long retryAtMs;

    public void LimitPlaces(long? limit, long taken)
    {
        if (limit is { } max)
        {
            Places = Math.Min(Places, max - taken);
        }
    }

    /// <summary>Applies a rate window.</summary>
    /// <param name="limit">How many starts the window allows.</param>
    /// <param name="started">How many workflows started within it.</param>
    /// <param name="retryAtMs">
    /// When the first of those starts leaves the window; without any, when a start at this moment would leave it.
    /// </param>
    public void LimitStarts(long limit, long started, long retryAtMs) => (Starts, this.retryAtMs) = (limit - started, retryAtMs);

    public void Spend() => (Places, Starts) = (Places - 1, Starts - 1);
}
