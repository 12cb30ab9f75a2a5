namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>The environment that a job needs.</summary>
internal enum SqliteJobKind
{
    /// <summary>A transaction of its own, on an existing file.</summary>
    Transaction,

    /// <summary>A transaction; the file is created if it does not exist.</summary>
    Creating,

    /// <summary>No transaction, so that no lock is taken.</summary>
    Bare,
}

/// <summary>A piece of work for a thread of the store, and the promise that its caller awaits.</summary>
internal abstract class SqliteJob
{
    /// <summary>Counted from the caller's request, so that time in a long line of jobs counts too.</summary>
    public long EnqueuedAt { get; } = TimeProvider.System.GetTimestamp();

    public required SqliteJobKind Kind { get; init; }

    public abstract CancellationToken CancellationToken { get; }

    /// <summary>Claims the job for the thread.</summary>
    /// <returns>False if its caller has given up, so that nothing must be done.</returns>
    public abstract bool TryBegin();

    /// <summary>Does the work. It may be called again after a failure, once its changes to the database are rolled back.</summary>
    public abstract void Run(SqliteSession session);

    /// <summary>Lets the caller continue with the result of the last run.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception exception);
}

/// <inheritdoc/>
internal sealed class SqliteJob<T> : SqliteJob
{
    private readonly TaskCompletionSource<T> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<SqliteSession, T> work;
    private readonly CancellationTokenRegistration registration;
    private int begun;
    private T? result;

    public SqliteJob(Func<SqliteSession, T> work, CancellationToken cancellationToken)
    {
        this.work = work;
        CancellationToken = cancellationToken;
        registration = cancellationToken.UnsafeRegister(static state => ((SqliteJob<T>)state!).GiveUp(), this);
    }

    public override CancellationToken CancellationToken { get; }

    public Task<T> Task => completion.Task;

    // A job that has begun is not given up halfway: it runs to its end, which is near.
    public override bool TryBegin() => Interlocked.CompareExchange(ref begun, 1, 0) == 0;

    public override void Run(SqliteSession session) => result = work(session);

    public override void Complete()
    {
        registration.Unregister();
        completion.TrySetResult(result!);
    }

    public override void Fail(Exception exception)
    {
        registration.Unregister();
        if (exception is OperationCanceledException)
        {
            completion.TrySetCanceled(CancellationToken);
        }
        else
        {
            completion.TrySetException(exception);
        }
    }

    private void GiveUp()
    {
        if (TryBegin())
        {
            completion.TrySetCanceled(CancellationToken);
        }
    }
}
