namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Registers a queue, inside a transaction under the write lock.</summary>
internal readonly struct SqliteRegistration(SqliteSession session, long nowMs)
{
    public static QueueRow? Read(SqliteSession session, string name)
    {
        using var statement = session.Use(QueueSql.Read).Bind("@name", name);
        return statement.Step() ? SqliteQueueRow.Read(statement) : null;
    }

    public QueueRegistered Run(QueueRegistration registration)
    {
        var standing = Read(session, registration.Queue.Name);
        if (standing is { ApplicationName: { } owner } && registration.ApplicationName is { } registrant && owner != registrant)
        {
            return new QueueRegistered(standing, owner);
        }

        if (standing is null)
        {
            using var insert = Bind(session.Use(QueueSql.Insert), registration).Bind("@queue_id", Guid.CreateVersion7().ToString());
            insert.Execute();
        }
        else if (Overwrites(registration))
        {
            using var update = Bind(session.Use(QueueSql.Update), registration);
            update.Execute();
        }
        else
        {
            // A caller that registers a queue of no application owns it from then on, whatever happens to its limits.
            using var adopt = session.Use(QueueSql.Adopt)
                .Bind("@name", registration.Queue.Name)
                .Bind("@application_name", registration.ApplicationName);
            adopt.Execute();
        }

        var row = Read(session, registration.Queue.Name)
            ?? throw new InvalidOperationException($"The row of queue '{registration.Queue.Name}' is gone under the write lock.");
        return new QueueRegistered(row, null);
    }

    private SqliteStatement Bind(SqliteStatement statement, QueueRegistration registration) =>
        SqliteQueueRow.Bind(statement, registration.Queue)
            .Bind("@application_name", registration.ApplicationName)
            .Bind("@now", nowMs);

    private bool Overwrites(QueueRegistration registration) => registration.Policy switch
    {
        OnConflict.AlwaysUpdate => true,
        OnConflict.UpdateIfLatestVersion =>
            registration.ApplicationVersion is { } version && IsLatest(registration.ApplicationName, version),
        _ => false,
    };

    private bool IsLatest(string? applicationName, string version)
    {
        using var statement = session.Use(ClaimSql.ReadLatestVersion)
            .Bind("@application_name", applicationName)
            .Bind("@application_version", version);
        return !statement.Step() || statement.Text(0) == version;
    }
}
