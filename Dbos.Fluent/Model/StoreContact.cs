namespace Dbos.Fluent.Model;

/// <summary>
/// Tracks whether the database can be reached, as seen by all calls to it: the first call that gets through wakes all callers that wait to
/// retry.
/// </summary>
/// <remarks>
/// An engine tries to renew its lease once a second, so all its waiting callers learn of the end of an outage. Where nobody else calls, as
/// in a client, one of the waiting callers retries before the others.
/// </remarks>
internal sealed class StoreContact
{
    private TaskCompletionSource? back;
    private long reachedAt;
    private int leads;

    /// <summary>Completes when a call gets through; already completed if no call has failed since the last success.</summary>
    public Task Back => Volatile.Read(ref back)?.Task ?? Task.CompletedTask;

    /// <summary>Reports that a call failed without reaching the database.</summary>
    public void Lost()
    {
        if (Volatile.Read(ref back) is null)
        {
            Interlocked.CompareExchange(ref back, new(TaskCreationOptions.RunContinuationsAsynchronously), null);
        }
    }

    /// <summary>Reports that a call got through.</summary>
    public void Reached()
    {
        Volatile.Write(ref reachedAt, TimeProvider.System.GetTimestamp());
        if (Volatile.Read(ref back) is not null)
        {
            Interlocked.Exchange(ref back, null)?.TrySetResult();
        }
    }

    /// <summary>Whether any call has got through since a moment.</summary>
    public bool WasReachedSince(long stamp) => Volatile.Read(ref reachedAt) >= stamp;

    /// <summary>Makes the caller the one that retries before the others; false if another caller already does.</summary>
    public bool TryLead() => Interlocked.Exchange(ref leads, 1) == 0;

    public void StopLeading() => Volatile.Write(ref leads, 0);
}
