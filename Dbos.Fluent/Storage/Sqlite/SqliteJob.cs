namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>What a job needs around it.</summary>
internal enum SqliteJobKind
{
    /// <summary>A transaction of its own, on a file that stands.</summary>
    Transaction,

    /// <summary>A transaction; the file is made if there is none.</summary>
    Creating,

    /// <summary>No transaction, so that no lock is taken.</summary>
    Bare,
}

/// <summary>A piece of work on its way to a thread of the store, and the promise its caller awaits.</summary>
internal abstract class SqliteJob
{
    /// <summary>Counted from when the caller asked, so that a long line of jobs counts as well.</summary>
    public long EnqueuedAt { get; } = TimeProvider.System.GetTimestamp();

    public required SqliteJobKind Kind { get; init; }

    public abstract CancellationToken CancellationToken { get; }

    /// <summary>Claims the job for the thread.</summary>
    /// <returns>False if its caller has given up, and nothing must be done.</returns>
    public abstract bool TryBegin();

    /// <summary>Does the work. It may be called again after a failure, so what it does in the database was rolled back.</summary>
    public abstract void Run(SqliteSession session);

    /// <summary>Lets the caller go on with the result of the last run.</summary>
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

    // Once begun, a job is not given up half known: it runs to its end, which is near.
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
