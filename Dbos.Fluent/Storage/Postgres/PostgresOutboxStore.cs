using System.Data.Common;
using System.Runtime.ExceptionServices;
using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Starts workflows and sends messages inside the caller's transaction.</summary>
/// <remarks>
/// No statement here raises an error over what it finds, because an error would end the caller's transaction. NOTIFY is part of the
/// transaction too: it is sent only when that commits.
/// </remarks>
internal sealed class PostgresOutboxStore(PostgresDatabase database) : IOutboxStore
{
    private readonly CommitSql sql = CommitSql.Waiting(database.Schema);
    private readonly StandingSql standing = new(database.Schema);
    private readonly SignalSql signals = new();
    private readonly PostgresHome home = new(database);

    public Task<CommitResult> StartAsync(DbTransaction transaction, StartUnit start, CancellationToken cancellationToken) =>
        WriteAsync(transaction, start, cancellationToken);

    // The trigger on messages announces the message.
    public Task<CommitResult> SendAsync(DbTransaction transaction, MessageRow message, CancellationToken cancellationToken) =>
        WriteAsync(transaction, new SendUnit(null, [], [message]), cancellationToken);

    private async Task<CommitResult> WriteAsync(DbTransaction transaction, CommitUnit unit, CancellationToken cancellationToken)
    {
        var connection = ConnectionOf(transaction);
        try
        {
            return await database.GuardAsync(() => CheckAndWriteAsync(connection, unit, cancellationToken)).ConfigureAwait(false);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InFailedSqlTransaction)
        {
            throw new InvalidOperationException(
                "The transaction is aborted: an earlier statement in it failed, so nothing more can be written in it. Roll it back, and "
                + "begin again.",
                refused);
        }
        catch (StoreUnavailableException lost) when (lost.InnerException is PostgresException { InvariantSeverity: "ERROR" } refused)
        {
            // The server is reachable, and has ended the caller's transaction because of another one. A caller that repeats it knows the
            // driver's exceptions.
            ExceptionDispatchInfo.Throw(refused);
            throw;
        }
    }

    private async Task<CommitResult> CheckAndWriteAsync(
        NpgsqlConnection connection, CommitUnit unit, CancellationToken cancellationToken)
    {
        await home.CheckAsync(connection, "transaction", cancellationToken).ConfigureAwait(false);
        return await WriteAsync(connection, unit, cancellationToken).ConfigureAwait(false);
    }

    private async Task<CommitResult> WriteAsync(NpgsqlConnection connection, CommitUnit unit, CancellationToken cancellationToken)
    {
        var session = new CommitSession(connection, sql, standing, database) { Prepares = false };
        var result = (await session.WriteAsync([unit], cancellationToken).ConfigureAwait(false))[0] ?? CommitResult.Busy;
        if (result.Status == CommitStatus.Written && database.Options.Notifications && unit is StartUnit start)
        {
            await AnnounceAsync(connection, start.Row, cancellationToken).ConfigureAwait(false);
        }

        return result;
    }

    private static NpgsqlConnection ConnectionOf(DbTransaction transaction)
    {
        if (transaction is not NpgsqlTransaction own)
        {
            throw new ArgumentException(
                $"A {transaction.GetType().Name} is no transaction of PostgreSQL, in which the workflows are kept. Begin one with "
                + "NpgsqlConnection.BeginTransactionAsync on the same database.",
                nameof(transaction));
        }

        try
        {
            // Read because the driver answers it only for a transaction that has not ended.
            _ = own.IsolationLevel;
            if (own.Connection is { } connection)
            {
                return connection;
            }
        }
        catch (InvalidOperationException)
        {
            // Committed, rolled back or disposed, as below.
        }

        throw new ArgumentException(
            "The transaction has ended. Start and send before it is committed or rolled back.", nameof(transaction));
    }

    // A delayed workflow may be the next that is due, whatever its queue.
    private async Task AnnounceAsync(NpgsqlConnection connection, WorkflowInsert row, CancellationToken cancellationToken)
    {
        var queue = row.State == WorkflowState.Enqueued ? row.Queue : null;
        if (SignalPayload.Of(new StoreSignal(StoreSignalKind.Enqueued, queue ?? ""), database.Schema.Value) is not { Fits: true } payload)
        {
            return;
        }

        var command = new NpgsqlCommand(signals.Notify, connection) { CommandTimeout = database.TimeoutSeconds };
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.AddRange((NpgsqlParameter[])[Texts([payload.Channel]), Texts([payload.Payload])]);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
