namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Statements about <c>fluent_starts</c>: starts that a later start of the same workflow has overwritten in its row. A rate counts them as
/// it counts those in the rows, see <see cref="LineSql"/>.
/// </summary>
/// <remarks>They are written where work was handed on, so the table is nearly empty.</remarks>
internal static class StartSql
{
    /// <summary>
    /// Moves noted starts that lie in the future, because the clock was set back, to now, as <see cref="LineSql.SettleStarts"/> does.
    /// </summary>
    public const string Settle = """
        UPDATE fluent_starts SET started_at_epoch_ms = @now WHERE queue_name = @queue_name AND started_at_epoch_ms > @now
        """;

    /// <summary>
    /// Notes the start that the claim of a workflow is going to overwrite or clear, if a window may hold it. What another SDK's sweep woke
    /// only goes on: its one start is counted where the claim writes it, and nothing else was started.
    /// </summary>
    public const string Note = """
        INSERT INTO fluent_starts (queue_name, queue_partition_key, application_name, workflow_uuid, started_at_epoch_ms)
        SELECT w.queue_name, w.queue_partition_key, w.application_name, w.workflow_uuid, w.started_at_epoch_ms
          FROM workflow_status AS w
         WHERE w.workflow_uuid = @workflow_uuid AND w.rate_limited = 1 AND w.started_at_epoch_ms > @since
           AND NOT EXISTS (SELECT 1 FROM fluent_waits AS f WHERE f.workflow_uuid = w.workflow_uuid)
        """;

    /// <summary>
    /// Deletes what no window holds any more, for each start that a claim notes: more than one, so that the table shrinks while it is
    /// written.
    /// </summary>
    public const string Forget = """
        DELETE FROM fluent_starts
         WHERE id IN (
               SELECT s.id FROM fluent_starts AS s
                WHERE s.queue_name = @queue_name AND s.started_at_epoch_ms <= @since
                ORDER BY s.started_at_epoch_ms LIMIT 100)
        """;
}
