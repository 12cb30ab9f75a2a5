using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Reads and raises the schema levels of the tables.</summary>
/// <remarks>
/// <para>
/// One process migrates at a time, under the advisory lock of DBOS SDKs. A process that cannot get the lock continues without it after a
/// while, because an SDK may have died and left it to a pooler. Then statements race. Each does nothing if its object exists, and one
/// that still loses a race is run again. The next process finds whatever a killed one left, or nothing.
/// </para>
/// <para>
/// The SDK for TypeScript takes no lock, and fails if another process races with its statements. So a new database is made in one
/// transaction, whose first table is also that SDK's first: whichever comes later waits there. The SDK waits for all of ours. We leave
/// to the SDK what it has begun, for as long as the level that it records rises.
/// </para>
/// </remarks>
internal sealed class PostgresSchemaStore(PostgresDatabase database) : ISchemaStore
{
    private const int TriesMax = 10;
    private static readonly TimeSpan LockTryInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LockWaitMax = TimeSpan.FromSeconds(30);

    // Much longer than the SDK needs from one level to the next in a new database.
    private static readonly TimeSpan StillMin = TimeSpan.FromMilliseconds(500);

    // Building an index may take any time; only the caller's token ends it.
    private const int NoTimeout = 0;

    private readonly SchemaSql sql = new(database.Schema);
    private readonly Lazy<MigrationScripts> scripts = new(() => new MigrationScripts(database.Schema));

    public async Task<SchemaLevel> ReadLevelAsync(CancellationToken cancellationToken)
    {
        await CheckIsolationAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var rows = await database.QueryAsync(sql.ReadLevel, [], Level, cancellationToken).ConfigureAwait(false);
            return rows[0];
        }
        catch (StoreSchemaException missing) when (IsMissingTable(missing))
        {
            var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                return await database.GuardAsync(() => FindLevelAsync(connection, cancellationToken)).ConfigureAwait(false);
            }
        }
    }

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        if (IsCurrent(await ReadLevelAsync(cancellationToken).ConfigureAwait(false)))
        {
            return;
        }

        for (var tries = 1; ; tries++)
        {
            try
            {
                await MigrateLockedAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (PostgresException refused) when (tries < TriesMax && PostgresErrors.IsMigrationRace(refused))
            {
                await Task.Delay(LockTryInterval * tries, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception failure) when (PostgresErrors.Translate(failure) is { } translated)
            {
                throw translated;
            }
        }
    }

    // Counting under a lock is right only in a snapshot newer than the lock. Our own connections are set so; a pooler's cannot be.
    private async Task CheckIsolationAsync(CancellationToken cancellationToken)
    {
        if (database.Options.Notifications)
        {
            return;
        }

        var found = await database.QueryAsync(sql.ReadIsolation, [], reader => reader.GetString(0), cancellationToken)
            .ConfigureAwait(false);
        if (found is [var isolation] && isolation != "read committed")
        {
            throw new StoreSchemaException(
                $"Transactions of this role begin as '{isolation}' here, but claims and checkpoints count on 'read committed', and without "
                    + "notifications, as behind a pooler, it cannot be set for a connection. Run ALTER ROLE or ALTER DATABASE … SET "
                    + "default_transaction_isolation = 'read committed'.");
        }
    }

    private static bool IsCurrent(SchemaLevel level) =>
        level is { Dbos: >= SchemaLevel.DbosCurrent, Fluent: >= SchemaLevel.FluentCurrent };

    private static bool IsMissingTable(StoreSchemaException failure) =>
        failure.InnerException is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName };

    private static SchemaLevel Level(NpgsqlDataReader reader) => new(reader.NumberOrNull(0), reader.NumberOrNull(1));

    private async Task MigrateLockedAsync(CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            // Building an index may take any time, whatever timeout is set for the role.
            await RunAsync(connection, "SET statement_timeout = 0", cancellationToken).ConfigureAwait(false);
            var locked = await TryLockAsync(connection, cancellationToken).ConfigureAwait(false);
            try
            {
                await RaiseAsync(connection, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                // A lost connection has also lost the lock.
                if (connection.State == System.Data.ConnectionState.Open)
                {
                    await RunAsync(connection, "RESET statement_timeout", CancellationToken.None).ConfigureAwait(false);
                    if (locked)
                    {
                        await RunAsync(connection, sql.Unlock, CancellationToken.None).ConfigureAwait(false);
                    }
                }
            }
        }
    }

    private async Task<bool> TryLockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; ; waited += LockTryInterval)
        {
            if (await ScalarAsync(connection, sql.TryLock, cancellationToken).ConfigureAwait(false) is true)
            {
                return true;
            }

            // A lock under which nobody works was left by a connection that something keeps open. A holder that works may build an index
            // for hours, and a process that continued beside it would disturb it.
            if (waited >= LockWaitMax
                && await ScalarAsync(connection, sql.IsLockWorkedUnder, cancellationToken).ConfigureAwait(false) is not true)
            {
                return false;
            }

            await Task.Delay(LockTryInterval, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RaiseAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await LetOthersFinishAsync(connection, cancellationToken).ConfigureAwait(false);
        var found = await FindRecordsAsync(connection, cancellationToken).ConfigureAwait(false);
        if (!found.Workflows)
        {
            await MakeAsync(connection, found, cancellationToken).ConfigureAwait(false);
            return;
        }

        var level = await FindLevelAsync(connection, cancellationToken).ConfigureAwait(false);
        if (level.Dbos is not >= SchemaLevel.DbosCurrent)
        {
            await RaiseDbosAsync(connection, cancellationToken).ConfigureAwait(false);
        }

        if (level.Fluent is not >= SchemaLevel.FluentCurrent)
        {
            await RaiseFluentAsync(connection, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task LetOthersFinishAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!(await FindRecordsAsync(connection, cancellationToken).ConfigureAwait(false)).Dbos)
        {
            return;
        }

        var level = await FindLevelAsync(connection, cancellationToken).ConfigureAwait(false);
        for (var still = TimeSpan.Zero; level.Dbos is not >= SchemaLevel.DbosCurrent && still < StillMin; still += LockTryInterval)
        {
            await Task.Delay(LockTryInterval, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            var next = await FindLevelAsync(connection, cancellationToken).ConfigureAwait(false);
            (level, still) = (next, next == level ? still : TimeSpan.Zero);
        }
    }

    private Task MakeAsync(NpgsqlConnection connection, Records found, CancellationToken cancellationToken)
    {
        var all = scripts.Value;
        string[] schema = found.Schema ? [] : [sql.CreateSchema];
        return InTransactionAsync(
            connection,
            [
                .. schema, sql.LimitLockWait, found.Dbos ? sql.CreateDbosRecord : sql.CreateFirstDbosRecord, all.DbosTables,
                all.DbosIndexes, sql.CreateFluentRecord, all.FluentTables, all.FluentIndexes,
            ],
            [(sql.RecordDbosLevel, SchemaLevel.DbosCurrent), (sql.RecordFluentLevel, SchemaLevel.FluentCurrent)],
            cancellationToken);
    }

    private async Task RaiseFluentAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await InTransactionAsync(
            connection, [sql.LimitLockWait, sql.CreateFluentRecord, scripts.Value.FluentTables], [], cancellationToken)
            .ConfigureAwait(false);
        await BuildOnlineAsync(connection, scripts.Value.FluentIndexesOnline, cancellationToken).ConfigureAwait(false);
        await RunAsync(connection, sql.RecordFluentLevel, cancellationToken, PostgresParameters.Number(SchemaLevel.FluentCurrent))
            .ConfigureAwait(false);
    }

    private async Task RaiseDbosAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await InTransactionAsync(
            connection, [sql.LimitLockWait, sql.CreateDbosRecord, scripts.Value.DbosTables], [], cancellationToken).ConfigureAwait(false);
        await BuildOnlineAsync(connection, scripts.Value.DbosIndexesOnline, cancellationToken).ConfigureAwait(false);
        await InTransactionAsync(connection, [sql.LimitLockWait, sql.DropOldDeduplication], [], cancellationToken).ConfigureAwait(false);

        // Comes last, so that a process killed before it leaves the work to the next one.
        await RunAsync(connection, sql.RecordDbosLevel, cancellationToken, PostgresParameters.Number(SchemaLevel.DbosCurrent))
            .ConfigureAwait(false);
    }

    // Repeats until all exist: an index that somebody else is building is "already there", and may never be finished.
    private async Task BuildOnlineAsync(NpgsqlConnection connection, IReadOnlyList<string> indexes, CancellationToken cancellationToken)
    {
        var names = MigrationScripts.IndexesOf(indexes);
        for (var tries = 1; ; tries++)
        {
            foreach (var name in await NamesAsync(connection, sql.FindStaleIndexes, names, cancellationToken).ConfigureAwait(false))
            {
                await RunAsync(connection, sql.DropIndex(SchemaName.Quote(name)), cancellationToken).ConfigureAwait(false);
            }

            foreach (var statement in indexes)
            {
                await BuildAsync(connection, statement, cancellationToken).ConfigureAwait(false);
            }

            var unfinished = await NamesAsync(connection, sql.FindUnfinishedIndexes, names, cancellationToken).ConfigureAwait(false);
            if (unfinished.Count == 0)
            {
                return;
            }

            if (tries == TriesMax)
            {
                throw new StoreSchemaException(
                    $"The indexes {string.Join(", ", unfinished)} of schema '{database.Schema.Value}' are not valid after they were built: "
                    + "somebody else builds or drops them too. Wait for that to end, and launch again.");
            }

            await Task.Delay(LockTryInterval * tries, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    // Duplicate rows are a permanent failure, unlike a race for the index's name, which is refused with the same state.
    private async Task BuildAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(connection, statement, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException alike) when (
            alike.SqlState == PostgresErrorCodes.UniqueViolation && MigrationScripts.UniqueOf(statement) is { } unique
            && alike.ConstraintName == unique.Name)
        {
            throw new StoreSchemaException(
                $"The unique index {unique.Name} of schema '{database.Schema.Value}' cannot be built: rows of {unique.Table} are alike in "
                + $"({unique.Columns}). They were written while no such rule stood, by hand or by an early version of an SDK. Find them "
                + $"({SchemaSql.FindAlike(unique)}), change or delete all but one of each, and launch again.",
                alike);
        }
    }

    private async Task<List<string>> NamesAsync(
        NpgsqlConnection connection, string statement, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var command = Command(
            connection,
            statement,
            PostgresParameters.Text(database.Schema.Value),
            PostgresParameters.Texts(names));
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                return await PostgresDatabase.ReadAllAsync(reader, row => row.GetString(0), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<SchemaLevel> FindLevelAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var found = await FindRecordsAsync(connection, cancellationToken).ConfigureAwait(false);
        return new SchemaLevel(
            found.Dbos ? await ScalarAsync(connection, sql.ReadDbosLevel, cancellationToken).ConfigureAwait(false) as long? : null,
            found.Fluent ? await ScalarAsync(connection, sql.ReadFluentLevel, cancellationToken).ConfigureAwait(false) as long? : null);
    }

    private async Task<Records> FindRecordsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = Command(connection, sql.FindRecords, PostgresParameters.Text(database.Schema.Value));
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                return new Records(reader.GetBoolean(0), reader.GetBoolean(1), reader.GetBoolean(2), reader.GetBoolean(3));
            }
        }
    }

    private static async Task InTransactionAsync(
        NpgsqlConnection connection, string[] statements, (string Sql, long Level)[] records, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            foreach (var statement in statements)
            {
                await RunAsync(connection, statement, cancellationToken).ConfigureAwait(false);
            }

            foreach (var (record, level) in records)
            {
                await RunAsync(connection, record, cancellationToken, PostgresParameters.Number(level)).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        var command = Command(connection, statement);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task RunAsync(
        NpgsqlConnection connection, string statement, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        var command = Command(connection, statement, parameters);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string statement, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(statement, connection) { CommandTimeout = NoTimeout };
        command.Parameters.AddRange(parameters);
        return command;
    }

    private readonly record struct Records(bool Schema, bool Dbos, bool Fluent, bool Workflows);
}
