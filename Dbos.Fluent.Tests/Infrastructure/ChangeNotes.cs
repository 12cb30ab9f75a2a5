namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Lets a database itself note what happens to the rows of workflows, however short a state lasts.</summary>
internal static class ChangeNotes
{
    private const string Sqlite = """
        CREATE TABLE noted_changes (id INTEGER PRIMARY KEY, workflow_uuid, change, status, completed_at, recovery_attempts, noted_at);
        CREATE TRIGGER note_update AFTER UPDATE ON workflow_status BEGIN
          INSERT INTO noted_changes VALUES (NULL, new.workflow_uuid, 'UPDATE', new.status, new.completed_at, new.recovery_attempts,
                 strftime('%s', 'now') * 1000 + substr(strftime('%f', 'now'), 4));
        END;
        CREATE TRIGGER note_delete AFTER DELETE ON workflow_status BEGIN
          INSERT INTO noted_changes VALUES (NULL, old.workflow_uuid, 'DELETE', old.status, old.completed_at, old.recovery_attempts,
                 strftime('%s', 'now') * 1000 + substr(strftime('%f', 'now'), 4));
        END;
        """;

    private const string Postgres = $"""
        CREATE TABLE noted_changes (id bigserial, workflow_uuid text, change text, status text, completed_at bigint,
               recovery_attempts bigint, noted_at bigint);
        CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE changed {MigratedDatabases.Schema}.workflow_status := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        BEGIN
          INSERT INTO {MigratedDatabases.Schema}.noted_changes (workflow_uuid, change, status, completed_at, recovery_attempts, noted_at)
          VALUES (changed.workflow_uuid, TG_OP, changed.status, changed.completed_at, changed.recovery_attempts,
                  floor(extract(epoch FROM clock_timestamp()) * 1000));
          RETURN NULL;
        END $$;
        CREATE TRIGGER note_change AFTER UPDATE OR DELETE ON workflow_status FOR EACH ROW EXECUTE FUNCTION note_change();
        """;

    /// <summary>From now on each change of a workflow's row is noted in the table <c>noted_changes</c>, in their order.</summary>
    /// <remarks>
    /// A change is an <c>UPDATE</c>, noted as the row became, or a <c>DELETE</c>, as it was; <c>noted_at</c> is in milliseconds. Only for
    /// databases that no other test uses.
    /// </remarks>
    public static Task NoteChangesAsync(this TestDatabase database) =>
        database.ExecuteAsync(database is SqliteTestDatabase ? Sqlite : Postgres);
}
