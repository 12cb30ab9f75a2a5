namespace Dbos.Fluent.Queues;

/// <summary>Parked workflows that claims passed over, as somebody held their rows; they are claimed again after a rest.</summary>
/// <remarks>
/// Often it is a peer that holds a row and takes the workflow up. But it may be a fork or a change of attributes, after which the workflow
/// is still parked, and the signal that named it does not come again. The owner uses this class under a lock.
/// </remarks>
internal sealed class PassedOver
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(250);

    private HashSet<string> ids = new(StringComparer.Ordinal);
    private long restsFrom;

    /// <summary>The time until the next claim is due; infinite if nothing was passed over.</summary>
    public TimeSpan DueIn
    {
        get
        {
            if (ids.Count == 0)
            {
                return Timeout.InfiniteTimeSpan;
            }

            var left = Rest - TimeProvider.System.GetElapsedTime(restsFrom);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    public void Add(IReadOnlyList<string> workflowIds)
    {
        if (workflowIds.Count == 0)
        {
            return;
        }

        if (ids.Count == 0)
        {
            restsFrom = TimeProvider.System.GetTimestamp();
        }

        ids.UnionWith(workflowIds);
    }

    /// <summary>Takes the workflows if their claim is due, so that the caller performs it.</summary>
    public IReadOnlyCollection<string> TakeDue()
    {
        if (DueIn != TimeSpan.Zero)
        {
            return [];
        }

        var taken = ids;
        ids = new(StringComparer.Ordinal);
        return taken;
    }
}
