using System.Runtime.ExceptionServices;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>A job for which a thread waits that may wait.</summary>
// What it waits on is never disposed: the store's thread may come to it after the limit.
internal sealed class SqliteWaitedJob<T>(Func<SqliteSession, T> work) : SqliteJob
{
    private readonly ManualResetEventSlim done = new();
    private Exception? failure;
    private T? result;

    public override CancellationToken CancellationToken => CancellationToken.None;

    public override bool TryBegin() => true;

    public override void Run(SqliteSession session) => result = work(session);

    public override void Complete() => done.Set();

    public override void Fail(Exception exception)
    {
        failure = exception;
        done.Set();
    }

    public T Wait(TimeSpan limit)
    {
        if (!done.Wait(limit))
        {
            throw new StoreUnavailableException("SQLite", new TimeoutException());
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return result!;
    }
}
