namespace Dbos.Fluent.Storage.Postgres;

/// <summary>
/// Parts of claims about <c>fluent_starts</c>: starts that a later start of the same workflow has overwritten in its row. A rate counts
/// them as it counts those in the rows.
/// </summary>
/// <remarks>
/// Its rows are written by claims that hold the lock of the queue's row, where work was handed on: so the table is nearly empty, and an
/// ordinary claim goes no further than to the end of its index. Only <see cref="Settle"/> runs without that lock, for queues that have no
/// rate any more; it waits for nobody, as it skips what others have locked. A queue that is deleted takes its rows along.
/// </remarks>
internal static class StartSql
{
    // More than one claim notes, so that the table shrinks while it is written.
    private const int ForgottenMax = 2 * LimitedClaimSql.RowsMax;

    /// <summary>Defines <c>moved</c>: starts of the queue $2 ahead of <c>clock</c> are moved to now.</summary>
    public static string Settle(SchemaName schema) => $"""
        moved AS (
            UPDATE {schema}.fluent_starts
               SET started_at_epoch_ms = (SELECT now FROM clock)
             WHERE id = ANY (ARRAY(
                   SELECT s.id
                     FROM {schema}.fluent_starts AS s
                    WHERE s.queue_name = $2 AND s.started_at_epoch_ms > (SELECT now FROM clock)
                    ORDER BY s.started_at_epoch_ms
                      FOR NO KEY UPDATE SKIP LOCKED)))
        """;

    /// <summary>
    /// The newest noted starts of the queue $10, as many as a window allows; <paramref name="partition"/> is a further condition on the
    /// row <c>s</c>. $4 application.
    /// </summary>
    public static string Newest(SchemaName schema, string partition, string since, string most) => $"""
        SELECT s.started_at_epoch_ms
                      FROM {schema}.fluent_starts AS s
                     WHERE s.queue_name = $10 {partition} AND s.started_at_epoch_ms > {since}
                       AND (s.application_name = $4 OR s.application_name IS NULL)
                     ORDER BY s.started_at_epoch_ms DESC
                     LIMIT COALESCE({most}, 0)
        """;

    /// <summary>
    /// Defines <c>noted</c>, the starts that the claim of <c>due</c> overwrites or clears while a window of <c>room</c> may hold them, and
    /// <c>passed</c>: what no window holds any more is deleted by a claim that notes something. $10 the queue.
    /// </summary>
    // What another SDK's sweep woke only goes on: its one start is counted where the claim writes it, and nothing else was started.
    public static string Note(SchemaName schema) => $"""
        noted AS (
            INSERT INTO {schema}.fluent_starts (
                queue_name, queue_partition_key, application_name, workflow_uuid, started_at_epoch_ms)
            SELECT $10, due.queue_partition_key, due.application_name, due.workflow_uuid, due.started_at_epoch_ms
              FROM due
             WHERE due.rate_limited AND NOT due.woken AND (SELECT rated FROM room)
               AND due.started_at_epoch_ms > (SELECT now - longest FROM room)
            RETURNING 1),
        passed AS (
            DELETE FROM {schema}.fluent_starts
             WHERE id = ANY (ARRAY(
                   SELECT s.id
                     FROM {schema}.fluent_starts AS s
                    WHERE EXISTS (SELECT FROM noted)
                      AND s.queue_name = $10 AND s.started_at_epoch_ms <= (SELECT now - longest FROM room)
                    ORDER BY s.started_at_epoch_ms
                    LIMIT {ForgottenMax})))
        """;
}
