using System.Data.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
/// <remarks>
/// It works on the caller's connection and thread. A failure halfway is rolled back to a savepoint, so the caller's transaction is
/// unchanged.
/// </remarks>
internal sealed class SqliteOutboxStore(string path, StoreOptions options) : IOutboxStore
{
    private const int BusyWaitMs = 5;

    public Task<CommitResult> StartAsync(DbTransaction transaction, StartUnit start, CancellationToken cancellationToken) =>
        RunAsync(transaction, (session, now) => new SqliteCommit(session, now).Write(start), cancellationToken);

    public Task<CommitResult> SendAsync(DbTransaction transaction, MessageRow message, CancellationToken cancellationToken) => RunAsync(
        transaction,
        (session, now) => new SqliteMessagingCommit(session, now).Write(new SendUnit(null, [], [message])),
        cancellationToken);

    private async Task<CommitResult> RunAsync(
        DbTransaction transaction, Func<SqliteSession, long, CommitResult> write, CancellationToken cancellationToken)
    {
        using var session = SqliteSession.Borrow(Check(transaction));
        var begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return Write(session, write);
            }
            catch (SqliteException exception) when (
                CanWait(exception) && TimeProvider.System.GetElapsedTime(begun) < options.CommandTimeout)
            {
                // A deferred transaction takes the write lock only here, and another connection may hold it.
                await Task.Delay(TimeSpan.FromMilliseconds(BusyWaitMs), TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
            catch (SqliteException exception)
            {
                throw SqliteErrors.Translate(exception, path);
            }
        }
    }

    // A transaction that has read before others wrote can never write, however long it waits.
    private static bool CanWait(SqliteException exception) =>
        SqliteErrors.IsBusy(exception) && exception.SqliteExtendedErrorCode != raw.SQLITE_BUSY_SNAPSHOT;

    private CommitResult Write(SqliteSession session, Func<SqliteSession, long, CommitResult> write)
    {
        session.Execute(TransactionSql.SetSavepoint);
        try
        {
            session.Execute(TransactionSql.TakeWriteLock);
            var result = write(session, options.Time.GetUtcNow().ToUnixTimeMilliseconds());
            session.Execute(TransactionSql.ReleaseSavepoint);
            return result;
        }
        catch
        {
            session.RollBackPart();
            throw;
        }
    }

    private sqlite3 Check(DbTransaction transaction)
    {
        if (transaction is not SqliteTransaction)
        {
            throw new ArgumentException(
                $"A {transaction.GetType().Name} is no transaction of SQLite, in which the workflows are kept. Begin one with "
                + $"SqliteConnection.BeginTransaction on a connection to '{path}'.",
                nameof(transaction));
        }

        if (transaction.Connection is not SqliteConnection { Handle: { } connection })
        {
            throw new ArgumentException(
                "The transaction has ended. Start and send before it is committed or rolled back.", nameof(transaction));
        }

        if (raw.sqlite3_get_autocommit(connection) != 0)
        {
            // SQLite has rolled the transaction back by itself, but the driver's object does not know: a write would be committed alone.
            throw new ArgumentException(
                "The transaction has ended: SQLite rolled it back after an error. Begin another one, and start and send before it is "
                + "committed or rolled back.",
                nameof(transaction));
        }

        var file = raw.sqlite3_db_filename(connection, "main").utf8_to_string();
        return SqliteFile.IsSame(path, file)
            ? connection
            : throw new ArgumentException(
                $"The transaction is on '{file}', and the workflows are in '{path}'. Begin it on a connection to that file.",
                nameof(transaction));
    }
}
