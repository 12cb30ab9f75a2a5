namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// Lets a database itself note each start from a queue: a row holds only its workflow's latest, and what the library keeps of the earlier
/// ones is what is under test.
/// </summary>
internal static class StartNotes
{
    // A claim makes a workflow run that waited in line; one that was parked goes on with the start it had. A start that never began, or
    // that was cancelled, is taken back by whoever clears it.
    private const string Sqlite = """
        CREATE TABLE noted_starts (id INTEGER PRIMARY KEY, workflow_uuid, queue_name, queue_partition_key, started_at INTEGER);
        CREATE TRIGGER note_start AFTER UPDATE OF started_at_epoch_ms ON workflow_status
         WHEN old.status = 'ENQUEUED' AND new.status = 'PENDING' BEGIN
          INSERT INTO noted_starts
          VALUES (NULL, new.workflow_uuid, new.queue_name, new.queue_partition_key, new.started_at_epoch_ms);
        END;
        CREATE TRIGGER take_start_back AFTER UPDATE OF started_at_epoch_ms ON workflow_status
         WHEN old.started_at_epoch_ms IS NOT NULL AND new.started_at_epoch_ms IS NULL BEGIN
          DELETE FROM noted_starts WHERE id = (
                 SELECT max(id) FROM noted_starts WHERE workflow_uuid = old.workflow_uuid AND started_at = old.started_at_epoch_ms);
        END;
        """;

    private const string Postgres = $"""
        CREATE TABLE noted_starts (id bigserial, workflow_uuid text, queue_name text, queue_partition_key text, started_at bigint);
        CREATE FUNCTION note_start() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.status = 'ENQUEUED' AND NEW.status = 'PENDING' THEN
            INSERT INTO {MigratedDatabases.Schema}.noted_starts (workflow_uuid, queue_name, queue_partition_key, started_at)
            VALUES (NEW.workflow_uuid, NEW.queue_name, NEW.queue_partition_key, NEW.started_at_epoch_ms);
          ELSIF OLD.started_at_epoch_ms IS NOT NULL AND NEW.started_at_epoch_ms IS NULL THEN
            DELETE FROM {MigratedDatabases.Schema}.noted_starts WHERE id = (
                   SELECT max(id) FROM {MigratedDatabases.Schema}.noted_starts
                    WHERE workflow_uuid = OLD.workflow_uuid AND started_at = OLD.started_at_epoch_ms);
          END IF;
          RETURN NULL;
        END $$;
        CREATE TRIGGER note_start AFTER UPDATE ON workflow_status FOR EACH ROW EXECUTE FUNCTION note_start();
        """;

    /// <summary>From now on each start is noted in the table <c>noted_starts</c>. Only for databases that no other test uses.</summary>
    public static Task NoteStartsAsync(this TestDatabase database) =>
        database.ExecuteAsync(database is SqliteTestDatabase ? Sqlite : Postgres);
}
