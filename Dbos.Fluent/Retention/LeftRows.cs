namespace Dbos.Fluent.Retention;

/// <summary>Workflows that took too long to delete even alone, and are left alone for an hour each.</summary>
/// <remarks>
/// Each try costs the database as much as a statement may take, for nothing. One whose hour is over takes part in one more try; if that is
/// not in time, it is left alone again before anything else is suspected.
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
                return [.. since.Where(row => !IsOver(row.Value)).Select(row => row.Key)];
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

    /// <summary>Leaves all of them alone again, after a try that was not in time.</summary>
    public void Renew()
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            foreach (var id in since.Keys.ToList())
            {
                since[id] = now;
            }
        }
    }

    /// <summary>Forgets those whose hour is over, after a pass that had them in it and came through.</summary>
    public void ForgetOver()
    {
        lock (gate)
        {
            foreach (var id in since.Where(row => IsOver(row.Value)).Select(row => row.Key).ToList())
            {
                since.Remove(id);
            }
        }
    }

    private bool IsOver(long stamp) => time.GetElapsedTime(stamp) >= LeftFor;
}
