using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>What distinguishes the writer from the readers.</summary>
/// <param name="Name">Name of the threads.</param>
/// <param name="Count">How many threads there are, each with its own connection.</param>
/// <param name="SetUp">Pragmas of each connection.</param>
/// <param name="Begin">How a transaction begins.</param>
internal sealed record SqliteThreadRole(string Name, int Count, string SetUp, string Begin);

/// <summary>
/// Threads that own connections and run the work that callers await. SQLite's calls are synchronous; here they block a dedicated thread,
/// never a pool thread.
/// </summary>
internal sealed class SqliteThreads : IAsyncDisposable
{
    private const int BusyWaitMinMs = 1;
    private const int BusyWaitMaxMs = 10;

    private readonly SqliteThreadRole role;
    private readonly string path;
    private readonly TimeSpan limit;
    private readonly BlockingCollection<SqliteJob> jobs = [];
    private readonly ManualResetEventSlim stopping = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int running;
    private int disposed;

    public SqliteThreads(SqliteThreadRole role, string path, TimeSpan limit)
    {
        (this.role, this.path, this.limit, running) = (role, path, limit, role.Count);
        for (var number = 0; number < role.Count; number++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{role.Name} {number}");
            new Thread(Serve) { IsBackground = true, Name = name }.Start();
        }
    }

    /// <summary>Runs work in one transaction, on a thread of this role.</summary>
    /// <param name="work">The work; it is repeated from the start if another process had locked the file.</param>
    /// <param name="cancellationToken">Gives the work up before it begins or between two tries, never halfway.</param>
    public Task<T> RunAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken) =>
        RunAsync(work, SqliteJobKind.Transaction, cancellationToken);

    /// <summary>Does the same for a caller whose thread may block, so that no pool thread is needed.</summary>
    /// <exception cref="StoreUnavailableException">The work was not done in time.</exception>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public T Run<T>(Func<SqliteSession, T> work, TimeSpan limit)
    {
        var job = new SqliteWaitedJob<T>(work) { Kind = SqliteJobKind.Transaction };
        Enqueue(job);
        return job.Wait(limit);
    }

    /// <summary>Runs work as <paramref name="kind"/> says, on a thread of this role.</summary>
    public Task<T> RunAsync<T>(Func<SqliteSession, T> work, SqliteJobKind kind, CancellationToken cancellationToken)
    {
        var job = new SqliteJob<T>(work, cancellationToken) { Kind = kind };
        Enqueue(job);
        return job.Task;
    }

    /// <summary>
    /// Ends the threads and closes their connections; jobs that have not begun fail with <see cref="ObjectDisposedException"/>.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            stopping.Set();
            jobs.CompleteAdding();
        }

        await ended.Task.ConfigureAwait(false);
        jobs.Dispose();
        stopping.Dispose();
    }

    // The store may be disposed at any moment, so only the collection knows whether it still takes jobs.
    private void Enqueue(SqliteJob job)
    {
        try
        {
            jobs.Add(job, CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            job.Fail(new ObjectDisposedException(typeof(SqliteStore).FullName));
        }
    }

    private void Serve()
    {
        SqliteSession? session = null;
        foreach (var job in jobs.GetConsumingEnumerable())
        {
            if (job.TryBegin())
            {
                Do(job, ref session);
            }
        }

        session?.Dispose();
        if (Interlocked.Decrement(ref running) == 0)
        {
            ended.SetResult();
        }
    }

    private void Do(SqliteJob job, ref SqliteSession? session)
    {
        while (true)
        {
            try
            {
                ObjectDisposedException.ThrowIf(stopping.IsSet, typeof(SqliteStore));
                job.CancellationToken.ThrowIfCancellationRequested();
                session ??= Open(job.Kind);
                Transact(job, session);
                job.Complete();
                return;
            }
            catch (SqliteException exception) when (SqliteErrors.IsBusy(exception) && !IsOverdue(job))
            {
                // Short and random, so that two processes do not collide again and again.
                stopping.Wait(Random.Shared.Next(BusyWaitMinMs, BusyWaitMaxMs + 1), CancellationToken.None);
            }
            catch (SqliteException exception)
            {
                // The state of the connection after such a failure is unknown, so the next job opens another.
                session?.Dispose();
                session = null;
                job.Fail(SqliteErrors.Translate(exception, path));
                return;
            }
            catch (Exception exception)
            {
                // An exception of the work belongs to its caller. If it ended the thread, all other callers would wait for ever.
                job.Fail(exception);
                return;
            }
        }
    }

    private SqliteSession Open(SqliteJobKind kind) =>
        SqliteSession.Open(path, role.SetUp, kind is SqliteJobKind.Creating ? raw.SQLITE_OPEN_CREATE : 0);

    private void Transact(SqliteJob job, SqliteSession session)
    {
        if (job.Kind is SqliteJobKind.Bare)
        {
            job.Run(session);
            return;
        }

        session.Execute(role.Begin);
        try
        {
            job.Run(session);
            session.Execute(TransactionSql.Commit);
        }
        catch
        {
            session.RollBack();
            throw;
        }
    }

    private bool IsOverdue(SqliteJob job) => TimeProvider.System.GetElapsedTime(job.EnqueuedAt) >= limit;
}
