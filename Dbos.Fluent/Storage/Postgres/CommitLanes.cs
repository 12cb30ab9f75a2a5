using System.Threading.Channels;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Connections kept open for commits, each for one commit at a time; one that failed is given up and replaced at its next use.</summary>
internal sealed class CommitLanes : IAsyncDisposable
{
    // Commits look rows up by key, in sets of up to some thousands. A prepared statement whose generic plan was made while the tables
    // were empty and never analysed would scan them whole for as long as the connection lives; here the plan is right at any size and is
    // made once.
    private const string PlanByKey =
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; "
        + "SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

    private readonly PostgresDatabase database;
    private readonly Channel<NpgsqlConnection?> idle;

    public CommitLanes(PostgresDatabase database, int count)
    {
        this.database = database;
        idle = Channel.CreateBounded<NpgsqlConnection?>(count);
        for (var lane = 0; lane < count; lane++)
        {
            idle.Writer.TryWrite(null);
        }
    }

    /// <summary>Runs one commit on a free connection, waiting for one if there is none.</summary>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> commit, CancellationToken cancellationToken)
    {
        var connection = await idle.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        NpgsqlConnection? sound = null;
        try
        {
            connection ??= await OpenAsync(cancellationToken).ConfigureAwait(false);
            var result = await commit(connection).ConfigureAwait(false);
            sound = connection;
            return result;
        }
        finally
        {
            if (sound is null && connection is not null)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            if (!idle.Writer.TryWrite(sound) && sound is not null)
            {
                await sound.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        idle.Writer.TryComplete();
        while (idle.Reader.TryRead(out var connection))
        {
            if (connection is not null)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Behind a pooler a setting would stay with a connection that is somebody else's next.
            if (database.Options.Notifications)
            {
                var settings = new NpgsqlCommand(PlanByKey, connection) { CommandTimeout = database.TimeoutSeconds };
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
