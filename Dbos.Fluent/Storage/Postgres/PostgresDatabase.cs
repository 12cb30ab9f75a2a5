using System.Transactions;
using Dbos.Fluent.Model;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The shared access to the database: runs statements and translates the driver's failures into the contract's.</summary>
internal sealed class PostgresDatabase(NpgsqlDataSource source, SchemaName schema, StoreOptions options)
{
    private static readonly TimeSpan CancellationGrace = TimeSpan.FromSeconds(5);

    public SchemaName Schema { get; } = schema;

    public StoreOptions Options { get; } = options;

    /// <summary>Whether the server can be reached.</summary>
    public StoreContact Contact { get; } = new();

    /// <summary>Where its connections lead, without a password.</summary>
    public string ConnectionString => source.ConnectionString;

    /// <summary>"Now" as a parameter: null makes the statement use the database's clock; a moment is virtual time.</summary>
    public NpgsqlParameter Now => PostgresParameters.Number(
        Options.Time == TimeProvider.System ? null : Options.Time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Opens a connection that the caller returns by disposing it.</summary>
    // A successful return says nothing about the server: a pooled connection may have been lost long ago.
    public Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) =>
        HasAmbientTransaction() ? OutsideAsync(() => OpenHereAsync(cancellationToken)) : OpenHereAsync(cancellationToken);

    /// <summary>The same for a thread that may block.</summary>
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
                    var result = await read(reader).ConfigureAwait(false);
                    await ReadToEndAsync(reader, cancellationToken).ConfigureAwait(false);
                    return result;
                }
            }
        });

    /// <summary>Waits for all statements of a batch, so that the failure of the last one, or of the commit, is not lost.</summary>
    // To dispose a reader swallows the timeout of a statement whose result nobody has asked for.
    public static async Task ReadToEndAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        while (await reader.NextResultAsync(cancellationToken).ConfigureAwait(false))
        {
        }
    }

    /// <summary>Runs one statement on the caller's connection, and reads each row.</summary>
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

    /// <summary>Locks workflows, with all that descend from them if asked, until nothing new turns up.</summary>
    /// <param name="connection">The transaction that holds the locks.</param>
    /// <param name="lockTree">Locks what it finds, given ids and whether with children, and names all of it.</param>
    /// <param name="workflowIds">Where the trees begin.</param>
    /// <param name="children">Whether to follow them to their children.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    // A child that begins while its parent's lock is waited for is found in the next look, and under that lock no child begins.
    public async Task<List<string>> LockTreeAsync(
        NpgsqlConnection connection,
        string lockTree,
        IReadOnlyList<string> workflowIds,
        bool children,
        CancellationToken cancellationToken)
    {
        List<string> locked = [];
        for (var before = -1; locked.Count != before;)
        {
            before = locked.Count;
            locked = await QueryAsync(
                connection,
                lockTree,
                [PostgresParameters.Texts(workflowIds), PostgresParameters.Truth(children)],
                row => row.GetString(0),
                cancellationToken).ConfigureAwait(false);
        }

        return locked;
    }

    /// <summary>Runs this many statements in one transaction, and rolls it back if its result says so.</summary>
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
    /// Runs two statements in one round trip and one transaction, and reads the rows of the second. Its snapshot is taken after the first
    /// has ended, with the locks held that the first took.
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

    /// <summary>The command timeout as the driver takes it: in whole seconds, and at least one, because zero means no timeout.</summary>
    public int TimeoutSeconds => Math.Max(1, (int)Math.Ceiling(Options.CommandTimeout.TotalSeconds));

    /// <summary>
    /// When a call is given up whatever the driver does. The driver gives a statement up after the command timeout, but then asks the
    /// server to cancel it. A server that hangs can keep it waiting there for as long as it keeps that connection open.
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

    /// <summary>Runs a call for at most <see cref="Limit"/>. A call that is given up runs on by itself, and nobody waits for it.</summary>
    public Task<T> LimitAsync<T>(Func<Task<T>> call) => GuardAsync(() => call().WaitAsync(Limit, TimeProvider.System));

    /// <summary>Runs a call of several statements, for at most <see cref="Limit"/> each.</summary>
    public Task<T> LimitAsync<T>(int statements, Func<Task<T>> call) =>
        GuardAsync(() => call().WaitAsync(Limit * statements, TimeProvider.System));

    /// <summary>Runs a call, and throws the contract's exception in place of the driver's.</summary>
    /// <remarks>
    /// An ambient <see cref="Transaction"/> belongs to the caller. What is written here is independent of it, and the connections it is
    /// written on are shared. So the call runs outside the caller's context if there is an ambient transaction.
    /// </remarks>
    public Task<T> GuardAsync<T>(Func<Task<T>> call) =>
        HasAmbientTransaction() ? OutsideAsync(() => TranslateAsync(call)) : TranslateAsync(call);

    /// <summary>The contract's exception for what the driver throws; null if that passes unchanged.</summary>
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

    // A refusal by the server, or a timeout while it answers others, does not end when the next call gets through.
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

    // An ambient transaction that is complete but not yet disposed makes the query throw, and is there all the same.
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
