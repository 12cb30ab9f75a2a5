using System.Collections.Concurrent;
using System.Data;
using System.Threading.Channels;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>
/// Connections kept open for statements that run all the time, each for one call at a time. A connection that failed is given up and
/// replaced at its next use.
/// </summary>
internal sealed class PostgresLanes : IAsyncDisposable
{
    // Counting under a lock needs a snapshot newer than the lock, whatever isolation the role or the database sets as its default.
    public const string ReadCommitted = "SET default_transaction_isolation = 'read committed'; ";

    // A prepared statement keeps its plan. A plan made while the tables were empty and never analysed would keep scanning them whole as
    // they grow. Here a plan is made once and is right at any size: each row is looked up by its key, in a lookup of its own. Only the
    // statement's own sets are left to join, and they must never be compared row by row with each other.
    public const string PlanByKey =
        ReadCommitted
        + "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_nestloop = off; "
        + "SET jit = off";

    private readonly PostgresDatabase database;
    private readonly string settings;
    private readonly Channel<NpgsqlConnection?> idle;
    private readonly ConcurrentDictionary<int, NpgsqlConnection> kept = [];

    /// <param name="database">Where the connections come from.</param>
    /// <param name="count">How many.</param>
    /// <param name="settings">The settings made on each when it is opened.</param>
    public PostgresLanes(PostgresDatabase database, int count, string settings = PlanByKey)
    {
        (this.database, this.settings) = (database, settings);
        idle = Channel.CreateBounded<NpgsqlConnection?>(count);
        for (var lane = 0; lane < count; lane++)
        {
            idle.Writer.TryWrite(null);
        }
    }

    /// <summary>True if statements are prepared on these connections: not behind a pooler, which shares them with others.</summary>
    public bool Prepares => KeepsSettings && KeepsPlans;

    /// <summary>False for statements whose best plan depends on the current content of the tables.</summary>
    public bool KeepsPlans { get; init; } = true;

    /// <summary>True for calls that use the pool, unprepared, rather than wait for a free connection.</summary>
    public bool Overflows { get; init; }

    private bool KeepsSettings => database.Options.Notifications;

    /// <summary>Whether a process of the server serves one of these connections.</summary>
    public bool AreServedBy(int processId) => kept.ContainsKey(processId);

    /// <summary>
    /// Forgets the server's processes. A restarted server numbers them from the beginning, so the process of a connection is known again
    /// only after the connection has been used.
    /// </summary>
    public void ForgetProcesses() => kept.Clear();

    /// <summary>Runs one statement on a free connection, and reads each row.</summary>
    public async Task<List<T>> QueryAsync<T>(
        string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        if (!Overflows)
        {
            var next = await idle.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            return await KeptAsync(next, sql, parameters, read, cancellationToken).ConfigureAwait(false);
        }

        var (isFree, free) = TryTake();
        if (!isFree)
        {
            return await database.QueryAsync(sql, parameters, read, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await KeptAsync(free, sql, parameters, read, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreUnavailableException failure) when (!failure.TimedOut)
        {
            // It may have been lost long ago while idle. A call that may use the pool may also be repeated.
            NpgsqlParameter[] again = [.. parameters.Select(one => one.Clone())];
            return await database.QueryAsync(sql, again, read, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Runs statements in one round trip and one transaction on a free connection, and gives their reader to <paramref name="read"/>.
    /// </summary>
    public Task<T> BatchAsync<T>(
        IReadOnlyList<NpgsqlBatchCommand> commands, Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellationToken) =>
        database.GuardAsync(() => RunAsync(
            async connection =>
            {
                var batch = new NpgsqlBatch(connection) { Timeout = database.TimeoutSeconds };
                await using (batch.ConfigureAwait(false))
                {
                    foreach (var command in commands)
                    {
                        batch.BatchCommands.Add(command);
                    }

                    if (Prepares)
                    {
                        await batch.PrepareAsync(cancellationToken).ConfigureAwait(false);
                    }

                    var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                    await using (reader.ConfigureAwait(false))
                    {
                        var result = await read(reader).ConfigureAwait(false);
                        await PostgresDatabase.ReadToEndAsync(reader, cancellationToken).ConfigureAwait(false);
                        return result;
                    }
                }
            },
            cancellationToken));

    /// <summary>Runs one call on a free connection, waiting for one if necessary.</summary>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> call, CancellationToken cancellationToken)
    {
        var free = await idle.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return await RunAsync(free, call, cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> RunAsync<T>(NpgsqlConnection? free, Func<NpgsqlConnection, Task<T>> call, CancellationToken cancellationToken)
    {
        var running = CallAsync(free, call, cancellationToken);
        NpgsqlConnection? sound = null;
        try
        {
            // The token ends the call itself; a wait that ended before the call would leave its connection in use.
            (sound, var result) = await running.WaitAsync(database.Limit, TimeProvider.System, CancellationToken.None)
                .ConfigureAwait(false);
            return result;
        }
        finally
        {
            // A call that hangs keeps its connection until it ends, and frees its place at once. A call that failed has given it up.
            if (sound is null && !running.IsFaulted && !running.IsCanceled)
            {
                _ = ReleaseAsync(running);
            }

            if (!idle.Writer.TryWrite(sound) && sound is not null)
            {
                await GiveUpAsync(sound).ConfigureAwait(false);
            }
        }
    }

    // A free place may not have a connection yet.
    private (bool IsFree, NpgsqlConnection? Connection) TryTake() =>
        idle.Reader.TryRead(out var connection) ? (true, connection) : (false, null);

    private Task<List<T>> KeptAsync<T>(
        NpgsqlConnection? free,
        string sql,
        NpgsqlParameter[] parameters,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken) =>
        database.GuardAsync(() => RunAsync(
            free,
            async connection =>
            {
                var command = new NpgsqlCommand(sql, connection) { CommandTimeout = database.TimeoutSeconds };
                await using (command.ConfigureAwait(false))
                {
                    command.Parameters.AddRange(parameters);
                    if (Prepares)
                    {
                        await command.PrepareAsync(cancellationToken).ConfigureAwait(false);
                    }

                    var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                    await using (reader.ConfigureAwait(false))
                    {
                        return await PostgresDatabase.ReadAllAsync(reader, read, cancellationToken).ConfigureAwait(false);
                    }
                }
            },
            cancellationToken));

    public async ValueTask DisposeAsync()
    {
        idle.Writer.TryComplete();
        while (idle.Reader.TryRead(out var connection))
        {
            if (connection is not null)
            {
                await GiveUpAsync(connection).ConfigureAwait(false);
            }
        }
    }

    // Nobody waits for a call that was given up, so nobody handles its failure.
    private async Task ReleaseAsync<T>(Task<(NpgsqlConnection Connection, T Result)> abandoned)
    {
        try
        {
            var (connection, _) = await abandoned.ConfigureAwait(false);
            await GiveUpAsync(connection).ConfigureAwait(false);
        }
        catch (Exception failure) when (PostgresErrors.Translate(failure) is not null || failure is OperationCanceledException)
        {
            // The connection is closed already.
        }
    }

    private async Task<(NpgsqlConnection Connection, T Result)> CallAsync<T>(
        NpgsqlConnection? free, Func<NpgsqlConnection, Task<T>> call, CancellationToken cancellationToken)
    {
        if (free is { State: not ConnectionState.Open } broken)
        {
            // The driver checks idle connections, if the connection string asks for it, and breaks those that the server has left.
            await GiveUpAsync(broken).ConfigureAwait(false);
            free = null;
        }

        var connection = free ?? await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var result = await call(connection).ConfigureAwait(false);
            if (KeepsSettings)
            {
                kept[connection.ProcessID] = connection;
            }

            return (connection, result);
        }
        catch (InvalidOperationException closed) when (connection.State != ConnectionState.Open)
        {
            // Broken while idle, which the driver reports as an error of the caller.
            await GiveUpAsync(connection).ConfigureAwait(false);
            throw new StoreUnavailableException("PostgreSQL", closed);
        }
        catch
        {
            await GiveUpAsync(connection).ConfigureAwait(false);
            throw;
        }
    }

    private ValueTask GiveUpAsync(NpgsqlConnection connection)
    {
        // From now on others may take it out of the pool and use it. A connection that has failed no longer says which process served it.
        foreach (var served in kept.Where(served => served.Value == connection))
        {
            kept.TryRemove(served);
        }

        return connection.DisposeAsync();
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Behind a pooler a setting would stay with a connection that others use next.
            if (KeepsSettings)
            {
                var settings = new NpgsqlCommand(this.settings, connection) { CommandTimeout = database.TimeoutSeconds };
                await using (settings.ConfigureAwait(false))
                {
                    await settings.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                }
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
