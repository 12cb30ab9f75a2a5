namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
/// <remarks>
/// All processes that share a file run on one host, and so have one system clock. Leases use that clock, whatever clock the workflows use.
/// </remarks>
internal sealed class SqliteExecutorStore(SqliteThreads writer, SqliteThreads readers, TimeProvider time) : IExecutorStore
{
    public Task<RegisterResult> RegisterAsync(ExecutorRegistration registration, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Register(session, registration), cancellationToken);

    public Task<RegisterResult> RenewAsync(string executorId, string incarnation, TimeSpan lease, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Renew(session, executorId, incarnation, lease), cancellationToken);

    public RegisterResult Renew(string executorId, string incarnation, TimeSpan lease, TimeSpan limit) =>
        writer.Run(session => Renew(session, executorId, incarnation, lease), limit);

    public Task<int> StopAsync(string executorId, string incarnation, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Stop(session, executorId, incarnation), cancellationToken);

    public async Task<IReadOnlyList<ExecutorRow>> ReadAsync(string applicationName, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadAll(session, applicationName), cancellationToken).ConfigureAwait(false);

    public Task ExpireAsync(string executorId, string incarnation, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Expire(session, executorId, incarnation), cancellationToken);

    public async Task<IReadOnlyList<string>> HandOnAsync(HandOnRequest request, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => HandOn(session, request), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<string>> HandOnOrphansAsync(
        HandOnRequest request, TimeSpan takenFor, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => HandOnOrphans(session, request, takenFor), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<string>> HandBackAsync(
        IReadOnlyList<Ownership> executions, bool attempted, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => HandBack(session, executions, attempted), cancellationToken).ConfigureAwait(false);

    private RegisterResult Register(SqliteSession session, ExecutorRegistration registration)
    {
        var now = RealNow();
        if (Read(session, registration.ExecutorId, now) is { Alive: true } holder && holder.Incarnation != registration.Incarnation)
        {
            return new RegisterResult(false, now, holder.ExpiresAtMs, holder);
        }

        var expires = now + (long)registration.Lease.TotalMilliseconds;
        using (var statement = session.Use(ExecutorSql.WriteExecutor)
            .Bind("@executor_id", registration.ExecutorId)
            .Bind("@incarnation", registration.Incarnation)
            .Bind("@application_name", registration.ApplicationName)
            .Bind("@application_version", registration.ApplicationVersion)
            .Bind("@machine_id", registration.Host.MachineId)
            .Bind("@boot_id", registration.Host.BootId)
            .Bind("@pid_namespace", registration.Host.PidNamespace)
            .Bind("@process_id", registration.Host.ProcessId)
            .Bind("@process_start", registration.Host.ProcessStart)
            .Bind("@lease_expires_at", expires))
        {
            statement.Execute();
        }

        using (var forget = session.Use(ExecutorSql.Forget)
            .Bind("@application_name", registration.ApplicationName)
            .Bind("@before", now - (long)IExecutorStore.RememberedFor.TotalMilliseconds))
        {
            forget.Execute();
        }

        RegisterVersion(session, registration);
        return new RegisterResult(true, now, expires);
    }

    private void RegisterVersion(SqliteSession session, ExecutorRegistration registration)
    {
        using var adopt = session.Use(ExecutorSql.AdoptVersion)
            .Bind("@application_version", registration.ApplicationVersion)
            .Bind("@application_name", registration.ApplicationName);
        adopt.Execute();
        using var register = session.Use(ExecutorSql.RegisterVersion)
            .Bind("@version_id", Guid.CreateVersion7().ToString())
            .Bind("@application_version", registration.ApplicationVersion)
            .Bind("@application_name", registration.ApplicationName)
            .Bind("@now", Now());
        register.Execute();
        foreach (var code in registration.Workflows)
        {
            using var write = session.Use(VersionSql.RegisterCode)
                .Bind("@application_name", registration.ApplicationName)
                .Bind("@application_version", registration.ApplicationVersion)
                .Bind("@workflow_name", code.WorkflowName)
                .Bind("@fingerprint", code.Fingerprint);
            write.Execute();
        }

        if (registration.Workflows.Count > 0)
        {
            using var forget = session.Use(VersionSql.ForgetCode)
                .Bind("@application_name", registration.ApplicationName)
                .Bind("@application_version", registration.ApplicationVersion)
                .Bind("@names", SqliteLists.Of([.. registration.Workflows.Select(code => code.WorkflowName)]))
                .Bind("@executor_id", registration.ExecutorId);
            forget.Execute();
        }
    }

    private static RegisterResult Renew(SqliteSession session, string executorId, string incarnation, TimeSpan lease)
    {
        var now = RealNow();
        var expires = now + (long)lease.TotalMilliseconds;
        using var statement = session.Use(ExecutorSql.Renew)
            .Bind("@executor_id", executorId)
            .Bind("@incarnation", incarnation)
            .Bind("@lease_expires_at", expires);
        if (statement.Execute() == 1)
        {
            return new RegisterResult(true, now, expires);
        }

        var holder = Read(session, executorId, now);
        return new RegisterResult(false, now, holder?.ExpiresAtMs ?? now, holder);
    }

    private int Stop(SqliteSession session, string executorId, string incarnation)
    {
        using var stop = session.Use(ExecutorSql.Stop)
            .Bind("@executor_id", executorId).Bind("@incarnation", incarnation).Bind("@real_now", RealNow());
        if (!stop.Step())
        {
            return 0;
        }

        using var handOn = session.Use(ExecutorSql.HandOnDrained)
            .Bind("@executor_id", executorId).Bind("@application_name", stop.Text(0)).Bind("@now", Now());
        return handOn.Execute();
    }

    private static int Expire(SqliteSession session, string executorId, string incarnation)
    {
        using var statement = session.Use(ExecutorSql.Expire)
            .Bind("@executor_id", executorId).Bind("@incarnation", incarnation).Bind("@real_now", RealNow());
        return statement.Execute();
    }

    private List<string> HandOn(SqliteSession session, HandOnRequest request)
    {
        using var statement = Bind(session.Use(ExecutorSql.HandOn), request)
            .Bind("@executor_ids", SqliteLists.Of(request.ExecutorIds));
        return SqliteRows.ReadIds(statement);
    }

    private List<string> HandBack(SqliteSession session, IReadOnlyList<Ownership> executions, bool attempted)
    {
        var ids = new List<string>();
        foreach (var execution in executions)
        {
            using var statement = session.Use(ExecutorSql.HandBack)
                .Bind("@workflow_uuid", execution.WorkflowId)
                .Bind("@token", execution.Token)
                .Bind("@attempted", attempted ? 1 : 0)
                .Bind("@now", Now());
            if (statement.Execute() == 1)
            {
                ids.Add(execution.WorkflowId);
            }
        }

        return ids;
    }

    private List<string> HandOnOrphans(SqliteSession session, HandOnRequest request, TimeSpan takenFor)
    {
        using var statement = Bind(session.Use(ExecutorSql.HandOnOrphans), request)
            .Bind("@taken_for", (long)takenFor.TotalMilliseconds)
            .Bind("@executor_ids", SqliteLists.Of(request.ExecutorIds));
        return SqliteRows.ReadIds(statement);
    }

    private SqliteStatement Bind(SqliteStatement statement, HandOnRequest request) => statement
        .Bind("@observer", request.Observer)
        .Bind("@real_now", RealNow())
        .Bind("@application_name", request.ApplicationName)
        .Bind("@application_version", request.ApplicationVersion)
        .Bind("@names", SqliteLists.Of(request.WorkflowNames))
        .Bind("@except", SqliteLists.Of(request.Except.Running))
        .Bind("@except_tokens", SqliteLists.Of(request.Except.Tokens))
        .Bind("@limit", request.Limit)
        .Bind("@now", Now());

    private static ExecutorRow? Read(SqliteSession session, string executorId, long realNowMs)
    {
        using var statement = session.Use(ExecutorSql.Read).Bind("@executor_id", executorId).Bind("@real_now", realNowMs);
        return statement.Step() ? SqliteRows.ReadExecutor(statement, realNowMs) : null;
    }

    private static List<ExecutorRow> ReadAll(SqliteSession session, string applicationName)
    {
        var now = RealNow();
        using var statement = session.Use(ExecutorSql.ReadAll).Bind("@application_name", applicationName).Bind("@real_now", now);
        var executors = new List<ExecutorRow>();
        while (statement.Step())
        {
            executors.Add(SqliteRows.ReadExecutor(statement, now));
        }

        return executors;
    }

    private static long RealNow() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
