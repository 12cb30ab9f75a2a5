using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Stores executors and their leases, and hands on the work of those that are gone.</summary>
internal sealed class PostgresExecutorStore(PostgresDatabase database, PostgresLanes watch) : IExecutorStore, IAsyncDisposable
{
    private readonly PostgresKeptConnection kept = new(database);

    // A connection from the pool would be reset for each renewal, and a statement that hangs elsewhere must not cost the lease.
    private readonly PostgresLanes renewals = new(database, 1, PostgresLanes.ReadCommitted) { Overflows = true };

    private readonly ExecutorSql sql = new(database.Schema);

    public Task<RegisterResult> RegisterAsync(ExecutorRegistration registration, CancellationToken cancellationToken) => HoldAsync(
        [
            PostgresDatabase.Command(
                sql.Register,
                Text(registration.ExecutorId),
                Text(registration.Incarnation),
                Text(registration.ApplicationName),
                Text(registration.ApplicationVersion),
                Text(registration.Host.MachineId),
                Text(registration.Host.BootId),
                Text(registration.Host.PidNamespace),
                Small(registration.Host.ProcessId),
                Number(registration.Host.ProcessStart),
                Number((long)registration.Lease.TotalMilliseconds)),
            PostgresDatabase.Command(
                sql.Forget, Text(registration.ApplicationName), Number((long)IExecutorStore.RememberedFor.TotalMilliseconds)),
            .. RegisterVersion(registration),
            PostgresDatabase.Command(sql.ReadOne, Text(registration.ExecutorId)),
        ],
        registration.Incarnation,
        cancellationToken);

    public async Task<RegisterResult> RenewAsync(
        string executorId, string incarnation, TimeSpan lease, CancellationToken cancellationToken)
    {
        var holders = await renewals.QueryAsync(
            sql.Renew,
            [Text(executorId), Text(incarnation), Number((long)lease.TotalMilliseconds)],
            ReadExecutor,
            cancellationToken).ConfigureAwait(false);
        return ResultOf(holders, incarnation);
    }

    public RegisterResult Renew(string executorId, string incarnation, TimeSpan lease, TimeSpan limit)
    {
        var holders = kept.Query(
            sql.Renew, [Text(executorId), Text(incarnation), Number((long)lease.TotalMilliseconds)], ReadExecutor, limit);
        return ResultOf(holders, incarnation);
    }

    public async Task<int> StopAsync(string executorId, string incarnation, CancellationToken cancellationToken)
    {
        var counts = await database.QueryAsync(
            sql.Stop, [database.Now, Text(executorId), Text(incarnation)], row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        return (int)counts[0];
    }

    public async Task<IReadOnlyList<ExecutorRow>> ReadAsync(string applicationName, CancellationToken cancellationToken) =>
        await watch.QueryAsync(sql.ReadAll, [Text(applicationName)], ReadExecutor, cancellationToken).ConfigureAwait(false);

    public Task ExpireAsync(string executorId, string incarnation, CancellationToken cancellationToken) =>
        database.QueryAsync(sql.Expire, [Text(executorId), Text(incarnation)], row => row, cancellationToken);

    public Task<IReadOnlyList<string>> HandOnAsync(HandOnRequest request, CancellationToken cancellationToken) =>
        HandOnAsync(sql.HandOn, request, Texts(request.ExecutorIds), cancellationToken);

    public async Task<IReadOnlyList<string>> HandBackAsync(
        IReadOnlyList<Ownership> executions, bool attempted, CancellationToken cancellationToken) =>
        await database.QueryAsync(
            sql.HandBack,
            [
                database.Now,
                Texts(executions, execution => execution.WorkflowId),
                Texts(executions, execution => execution.Token),
                Truth(attempted),
            ],
            row => row.GetString(0),
            cancellationToken).ConfigureAwait(false);

    public Task<IReadOnlyList<string>> HandOnOrphansAsync(
        HandOnRequest request, TimeSpan takenFor, CancellationToken cancellationToken) =>
        HandOnAsync(sql.HandOnOrphans, request, Number((long)takenFor.TotalMilliseconds), cancellationToken, Texts(request.ExecutorIds));

    public ValueTask DisposeAsync()
    {
        kept.Dispose();
        return renewals.DisposeAsync();
    }

    private NpgsqlBatchCommand[] RegisterVersion(ExecutorRegistration registration) =>
    [
        PostgresDatabase.Command(
            sql.AdoptVersion,
            Text(registration.ApplicationVersion),
            Text(registration.ApplicationName),
            Text(registration.ExecutorId),
            Text(registration.Incarnation)),
        PostgresDatabase.Command(
            sql.RegisterVersion,
            Text(registration.ApplicationVersion),
            Text(registration.ApplicationName),
            Text(Guid.NewGuid().ToString()),
            Text(registration.ExecutorId),
            Text(registration.Incarnation)),
        PostgresDatabase.Command(
            sql.RegisterCode,
            Text(registration.ApplicationName),
            Text(registration.ApplicationVersion),
            Texts(registration.Workflows, code => code.WorkflowName),
            Texts(registration.Workflows, code => code.Fingerprint),
            Text(registration.ExecutorId),
            Text(registration.Incarnation)),
        PostgresDatabase.Command(
            sql.ForgetCode,
            Text(registration.ApplicationName),
            Text(registration.ApplicationVersion),
            Texts(registration.Workflows, code => code.WorkflowName),
            Text(registration.ExecutorId),
            Text(registration.Incarnation)),
    ];

    private async Task<IReadOnlyList<string>> HandOnAsync(
        string statement,
        HandOnRequest request,
        NpgsqlParameter whose,
        CancellationToken cancellationToken,
        params NpgsqlParameter[] more) =>
        await watch.QueryAsync(
            statement,
            [
                database.Now,
                Text(request.ApplicationName),
                Texts(request.WorkflowNames),
                Texts(request.Except.Running, execution => execution.WorkflowId),
                Texts(request.Except.Running, execution => execution.Token),
                Small(request.Limit),
                Text(request.ApplicationVersion),
                Texts(request.Except.Tokens),
                whose,
                .. more,
                Text(request.Observer),
            ],
            row => row.GetString(0),
            cancellationToken).ConfigureAwait(false);

    // Takes the lease, and reads in the same transaction who holds it now: the last of the statements returns the row.
    private async Task<RegisterResult> HoldAsync(
        NpgsqlBatchCommand[] statements, string incarnation, CancellationToken cancellationToken)
    {
        var (holder, nowMs) = await database.BatchAsync(
            statements,
            async reader => await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
                ? (ReadExecutor(reader), reader.GetInt64(0))
                : ((ExecutorRow?)null, 0L),
            cancellationToken).ConfigureAwait(false);
        return ResultOf(holder, nowMs, incarnation);
    }

    private static RegisterResult ResultOf(IReadOnlyList<ExecutorRow> holders, string incarnation) =>
        holders is [var holder, ..] ? ResultOf(holder, holder.ReadAtMs, incarnation) : ResultOf(null, 0, incarnation);

    private static RegisterResult ResultOf(ExecutorRow? holder, long nowMs, string incarnation) => holder switch
    {
        null => new RegisterResult(false, nowMs, nowMs),
        { Stopped: false } when holder.Incarnation == incarnation => new RegisterResult(true, nowMs, holder.ExpiresAtMs),
        _ => new RegisterResult(false, nowMs, holder.ExpiresAtMs, holder),
    };

    private static ExecutorRow ReadExecutor(NpgsqlDataReader row)
    {
        var expiresAtMs = row.GetInt64(10);
        var stopped = row.GetBoolean(11);
        return new ExecutorRow(
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetString(4),
            new HostProcess(row.GetString(5), row.GetString(6), row.GetString(7), row.GetInt32(8), row.GetInt64(9)),
            expiresAtMs,
            !stopped && expiresAtMs > row.GetInt64(0),
            stopped)
        {
            ReadAtMs = row.GetInt64(0),
        };
    }
}
