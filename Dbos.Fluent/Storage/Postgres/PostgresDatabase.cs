using System.Transactions;
using Dbos.Fluent.Model;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The way to the database that all parts share: runs statements and turns the driver's failures into the contract's.</summary>
internal sealed class PostgresDatabase(NpgsqlDataSource source, SchemaName schema, StoreOptions options)
{
    private static readonly TimeSpan CancellationGrace = TimeSpan.FromSeconds(5);

    public SchemaName Schema { get; } = schema;

    public StoreOptions Options { get; } = options;

    /// <summary>Whether the server is reached.</summary>
    public StoreContact Contact { get; } = new();

    /// <summary>Where its connections lead; without a password.</summary>
    public string ConnectionString => source.ConnectionString;

    /// <summary>"Now" as a parameter: null lets the statement take the database's clock; a moment of its own is virtual time.</summary>
    public NpgsqlParameter Now => PostgresParameters.Number(
        Options.Time == TimeProvider.System ? null : Options.Time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Opens a connection that the caller returns by disposing it.</summary>
    // That there is one says nothing of the server: one of the pool may have been lost long ago.
    public Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) =>
        HasAmbientTransaction() ? OutsideAsync(() => OpenHereAsync(cancellationToken)) : OpenHereAsync(cancellationToken);

    /// <summary>The same for a thread that may wait.</summary>
    public NpgsqlConnection Open() => source.OpenConnection();

    /// <summary>Runs one statement on a connection of the pool, and reads each row.</summary>
    public Task<List<T>> QueryAsync<T>(
        string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        LimitAsync(async () =>
        {
            var command = source.CreateCommand(sql);
            await using (command.ConfigureAwait(false))
            {
                command.CommandTimeout = TimeoutSeconds;
                command.Parameters.AddRange(parameters);
                var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    return await ReadAllAsync(reader, read, cancellationToken).ConfigureAwait(false);
                }
            }
        });

    /// <summary>Runs statements in one round trip and one transaction, and gives their reader to <paramref name="read"/>.</summary>
    public Task<T> BatchAsync<T>(
        IReadOnlyList<NpgsqlBatchCommand> commands, Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellationToken) =>
        LimitAsync(async () =>
        {
            var batch = source.CreateBatch();
            await using (batch.ConfigureAwait(false))
            {
                batch.Timeout = TimeoutSeconds;
                foreach (var command in commands)
                {
                    batch.BatchCommands.Add(command);
                }

                var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    return await read(reader).ConfigureAwait(false);
                }
            }
        });

    /// <summary>Runs one statement on a connection of the caller's, and reads each row.</summary>
    public async Task<List<T>> QueryAsync<T>(
        NpgsqlConnection connection,
        string sql,
        NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = TimeoutSeconds };
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.AddRange(parameters);
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                return await ReadAllAsync(reader, read, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Runs so many statements in one transaction, which is taken back if its result is not to stand.</summary>
    public Task<T> TransactionAsync<T>(
        int statements,
        Func<NpgsqlConnection, CancellationToken, Task<T>> run,
        Func<T, bool> stands,
        CancellationToken cancellationToken) =>
        LimitAsync(statements, async () =>
        {
            var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                await using (transaction.ConfigureAwait(false))
                {
                    var result = await run(connection, cancellationToken).ConfigureAwait(false);
                    if (stands(result))
                    {
                        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                    }

                    return result;
                }
            }
        });

    /// <summary>
    /// Runs two statements in one round trip and one transaction, and reads the rows of the second, whose snapshot is taken when the first
    /// has ended: with the locks held that it took.
    /// </summary>
    public Task<List<T>> SecondAsync<T>(
        NpgsqlBatchCommand first, NpgsqlBatchCommand second, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        BatchAsync(
            [first, second],
            async reader =>
            {
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                return await ReadAllAsync(reader, read, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);

    /// <summary>The command timeout as the driver takes it: whole seconds, and zero would mean none.</summary>
    public int TimeoutSeconds => Math.Max(1, (int)Math.Ceiling(Options.CommandTimeout.TotalSeconds));

    /// <summary>
    /// When a call is given up whatever the driver does. The driver itself gives a statement up after the command timeout, but then asks
    /// the server to cancel it, and waits for as long as a server that stands still keeps that connection open.
    /// </summary>
    public TimeSpan Limit => TimeSpan.FromSeconds(TimeoutSeconds) + CancellationGrace;

    public static NpgsqlBatchCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.AddRange(parameters);
        return command;
    }

    public static async Task<List<T>> ReadAllAsync<T>(
        NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>Runs a call for at most <see cref="Limit"/>. One that is given up goes on by itself, and nobody waits for it.</summary>
    public Task<T> LimitAsync<T>(Func<Task<T>> call) => GuardAsync(() => call().WaitAsync(Limit, TimeProvider.System));

    /// <summary>Runs a call of several statements, for at most <see cref="Limit"/> each.</summary>
    public Task<T> LimitAsync<T>(int statements, Func<Task<T>> call) =>
        GuardAsync(() => call().WaitAsync(Limit * statements, TimeProvider.System));

    /// <summary>Runs a call, and throws what the contract says in place of what the driver throws.</summary>
    /// <remarks>
    /// An ambient <see cref="Transaction"/> is the caller's: what is written here stands or falls by itself, and the connections on which
    /// it is written are everybody's. So the call runs outside of the caller's context where there is one.
    /// </remarks>
    public Task<T> GuardAsync<T>(Func<Task<T>> call) =>
        HasAmbientTransaction() ? OutsideAsync(() => TranslateAsync(call)) : TranslateAsync(call);

    /// <summary>What the contract says in place of what the driver throws; null where that is to pass as it is.</summary>
    /// <param name="failure">What the driver throws.</param>
    /// <param name="since">When the call began.</param>
    public DbosException? Translate(Exception failure, long since)
    {
        var translated = PostgresErrors.Translate(failure);
        if (translated is StoreUnavailableException unavailable && IsAway(unavailable, since))
        {
            Contact.Lost();
            unavailable.Contact = Contact;
        }

        return translated;
    }

    // What the server itself refuses, or takes too long over while it answers others, is not over when the next call comes through.
    private bool IsAway(StoreUnavailableException unavailable, long since) => unavailable.InnerException is PostgresException refused
        ? refused.SqlState[..2] is "08" or "57" && !unavailable.TimedOut
        : !unavailable.TimedOut || !Contact.WasReachedSince(since);

    private async Task<NpgsqlConnection> OpenHereAsync(CancellationToken cancellationToken)
    {
        var since = TimeProvider.System.GetTimestamp();
        try
        {
            return await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (Translate(failure, since) is { } translated)
        {
            throw translated;
        }
    }

    private static Task<T> OutsideAsync<T>(Func<Task<T>> call)
    {
        using (ExecutionContext.SuppressFlow())
        {
            return Task.Run(call);
        }
    }

    // One that is complete and not yet disposed is asked for in vain, and is there all the same.
    private static bool HasAmbientTransaction()
    {
        try
        {
            return Transaction.Current is not null;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    private async Task<T> TranslateAsync<T>(Func<Task<T>> call)
    {
        var since = TimeProvider.System.GetTimestamp();
        try
        {
            var result = await call().ConfigureAwait(false);
            Contact.Reached();
            return result;
        }
        catch (Exception failure) when (Translate(failure, since) is { } translated)
        {
            throw translated;
        }
    }
}
