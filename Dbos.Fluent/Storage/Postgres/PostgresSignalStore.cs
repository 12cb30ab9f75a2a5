using System.Runtime.CompilerServices;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Sends wake-ups through LISTEN and NOTIFY; if they are off, yields only a tick at each poll.</summary>
/// <param name="database">Where the connections come from.</param>
/// <param name="looks">The connection used for announcements while it is free.</param>
/// <param name="pollInterval">How often there is a tick.</param>
/// <param name="ours">
/// Announcements made on these connections are ignored: waiters in this process have been told directly.
/// </param>
internal sealed class PostgresSignalStore(
    PostgresDatabase database, PostgresLanes looks, TimeSpan pollInterval, IReadOnlyList<PostgresLanes> ours) : ISignalStore
{
    // A keep-alive query detects a connection that died silently; until then polling covers its wake-ups.
    private static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(10);
    private const int KeepAliveTimeoutSeconds = 5;

    private readonly SignalSql sql = new();

    public async Task AnnounceAsync(IReadOnlyCollection<StoreSignal> signals, CancellationToken cancellationToken)
    {
        if (!database.Options.Notifications)
        {
            return;
        }

        var payloads = signals
            .Select(signal => SignalPayload.Of(signal, database.Schema.Value))
            .OfType<SignalPayload>()
            .Where(payload => payload.Fits)
            .Distinct()
            .ToList();
        if (payloads.Count > 0)
        {
            await looks.QueryAsync(
                sql.Notify,
                [Texts(payloads, payload => payload.Channel), Texts(payloads, payload => payload.Payload)],
                row => row.FieldCount,
                cancellationToken).ConfigureAwait(false);
        }
    }

    public IAsyncEnumerable<StoreSignal> ListenAsync(CancellationToken cancellationToken) =>
        database.Options.Notifications ? ListenOnConnectionsAsync(cancellationToken) : TickAsync(cancellationToken);

    private async IAsyncEnumerable<StoreSignal> TickAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(pollInterval, TimeProvider.System);
        do
        {
            yield return StoreSignal.Anything;
        }
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }

    private async IAsyncEnumerable<StoreSignal> ListenOnConnectionsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var failures = 0; ; failures++)
        {
            var began = TimeProvider.System.GetTimestamp();
            var signals = new Queue<StoreSignal>();
            var connection = await TryConnectAsync(signals, cancellationToken).ConfigureAwait(false);
            if (connection is not null)
            {
                await using (connection.ConfigureAwait(false))
                {
                    yield return StoreSignal.Anything;
                    while (await TryWaitAsync(connection, signals, cancellationToken).ConfigureAwait(false))
                    {
                        while (signals.TryDequeue(out var signal))
                        {
                            yield return signal;
                        }
                    }
                }
            }

            // A connection that lasted counts as no failure: the next one is tried at once.
            failures = TimeProvider.System.GetElapsedTime(began) > KeepAliveInterval ? 0 : failures;
            var away = database.Contact.Back.IsCompleted ? null : database.Contact;
            await StoreBackoff.RestAsync(failures, away, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<NpgsqlConnection?> TryConnectAsync(Queue<StoreSignal> signals, CancellationToken cancellationToken)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
            foreach (var lanes in ours)
            {
                lanes.ForgetProcesses();
            }

            await RunAsync(connection, sql.Listen, database.TimeoutSeconds, cancellationToken).ConfigureAwait(false);

            // Attached only now: with its first statement, a pooled connection may deliver what came for its previous user. The look at
            // everything that follows covers what is announced meanwhile. Raised only while a call on the connection is awaited, so never
            // while the queue is read.
            connection.Notification += (_, told) =>
            {
                if (new SignalPayload(told.Channel, told.Payload).ToSignal(database.Schema.Value) is { } signal
                    && !ours.Any(lanes => lanes.AreServedBy(told.PID)))
                {
                    signals.Enqueue(signal);
                }
            };

            // Calls that rest after an outage may wait for this connection to find the database back.
            database.Contact.Reached();
            return connection;
        }
        catch (Exception failure)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            if (failure is DbosException or InvalidOperationException || PostgresErrors.Translate(failure) is not null)
            {
                return null;
            }

            throw;
        }
    }

    // Returns false once the connection is lost.
    private async Task<bool> TryWaitAsync(NpgsqlConnection connection, Queue<StoreSignal> signals, CancellationToken cancellationToken)
    {
        try
        {
            while (signals.Count == 0 && !await connection.WaitAsync(KeepAliveInterval, cancellationToken).ConfigureAwait(false))
            {
                await RunAsync(connection, sql.KeepAlive, KeepAliveTimeoutSeconds, cancellationToken).ConfigureAwait(false);
            }

            return true;
        }
        catch (Exception failure) when (failure is InvalidOperationException || PostgresErrors.Translate(failure) is not null)
        {
            // The driver reports a connection that it has broken itself as an error of the caller.
            return false;
        }
    }

    private static async Task RunAsync(
        NpgsqlConnection connection, string statement, int timeoutSeconds, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(statement, connection) { CommandTimeout = timeoutSeconds };
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
