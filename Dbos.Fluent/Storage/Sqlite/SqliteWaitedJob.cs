using System.Runtime.ExceptionServices;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>A job whose caller blocks its thread until the job is done.</summary>
internal sealed class SqliteWaitedJob<T>(Func<SqliteSession, T> work) : SqliteJob
{
    // A monitor needs no disposal: the store's thread may reach the job after its caller has stopped waiting.
    private readonly object gate = new();
    private bool done;
    private Exception? failure;
    private T? result;

    public override CancellationToken CancellationToken => CancellationToken.None;

    public override bool TryBegin() => true;

    public override void Run(SqliteSession session) => result = work(session);

    public override void Complete() => End(null);

    public override void Fail(Exception exception) => End(exception);

    /// <summary>Waits for the job.</summary>
    /// <exception cref="StoreUnavailableException">The job was not done in time.</exception>
    public T Wait(TimeSpan limit)
    {
        lock (gate)
        {
            if (!done && !Monitor.Wait(gate, limit))
            {
                throw new StoreUnavailableException("SQLite", new TimeoutException());
            }
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return result!;
    }

    private void End(Exception? exception)
    {
        lock (gate)
        {
            (failure, done) = (exception, true);
            Monitor.PulseAll(gate);
        }
    }
}
