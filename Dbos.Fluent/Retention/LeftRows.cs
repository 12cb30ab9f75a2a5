namespace Dbos.Fluent.Retention;

/// <summary>Workflows that took too long to delete even alone, and are left alone for an hour each.</summary>
/// <remarks>
/// Each try costs the database as much as a statement may take, for nothing. Of those whose hour is over, one at a time takes part again:
/// it must not stay because of another that is still too large.
/// </remarks>
/// <param name="time">The system clock.</param>
internal sealed class LeftRows(TimeProvider time)
{
    private static readonly TimeSpan LeftFor = TimeSpan.FromHours(1);

    private readonly Lock gate = new();
    private readonly Dictionary<string, long> since = new(StringComparer.Ordinal);

    /// <summary>Those that are left alone now.</summary>
    public IReadOnlyList<string> Ids
    {
        get
        {
            lock (gate)
            {
                var over = OverFirst();
                return [.. since.Keys.Where(id => id != over)];
            }
        }
    }

    /// <summary>Leaves one alone.</summary>
    public void Add(string workflowId)
    {
        lock (gate)
        {
            since[workflowId] = time.GetTimestamp();
        }
    }

    /// <summary>Forgets the one that took part again, after a pass that came through.</summary>
    public void ForgetOver()
    {
        lock (gate)
        {
            if (OverFirst() is { } id)
            {
                since.Remove(id);
            }
        }
    }

    // The one whose hour has been over for longest; null if none is.
    private string? OverFirst() =>
        since.Where(row => time.GetElapsedTime(row.Value) >= LeftFor).OrderBy(row => row.Value).Select(row => row.Key).FirstOrDefault();
}
