namespace Dbos.Fluent.Model;

/// <summary>
/// Whether a database is reached, as all calls to it find out: whoever rests before another try is told by the first to come through.
/// </summary>
/// <remarks>
/// An engine renews its lease, and tries to once a second, so the end of an outage is known to all that rests there. Where nobody else
/// calls, as in a client, one of those that rest goes ahead of the others.
/// </remarks>
internal sealed class StoreContact
{
    private TaskCompletionSource? back;
    private long reachedAt;
    private int leads;

    /// <summary>Completes when a call has come through; completed while none has failed since the last.</summary>
    public Task Back => Volatile.Read(ref back)?.Task ?? Task.CompletedTask;

    /// <summary>A call has failed, and has not reached the database.</summary>
    public void Lost()
    {
        if (Volatile.Read(ref back) is null)
        {
            Interlocked.CompareExchange(ref back, new(TaskCreationOptions.RunContinuationsAsynchronously), null);
        }
    }

    /// <summary>A call has come through.</summary>
    public void Reached()
    {
        Volatile.Write(ref reachedAt, TimeProvider.System.GetTimestamp());
        if (Volatile.Read(ref back) is not null)
        {
            Interlocked.Exchange(ref back, null)?.TrySetResult();
        }
    }

    /// <summary>Whether any call has come through since a moment.</summary>
    public bool WasReachedSince(long stamp) => Volatile.Read(ref reachedAt) >= stamp;

    /// <summary>One of those that rest tries again before the others; false where another one does.</summary>
    public bool TryLead() => Interlocked.Exchange(ref leads, 1) == 0;

    public void StopLeading() => Volatile.Write(ref leads, 0);
}
