using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements about schedules as rows.</summary>
internal sealed class ScheduleSql(SchemaName schema)
{
    // $1 now, $2 names, $3 workflows, $4 cron, $5 zones, $6 contexts, $7 states, $8 last fired, $9 backfill, $10 queues,
    // $11 applications, $12 overlap, $13 jitter, $14 from, $15 until, $16 waiting. Ordered by name, so that concurrent writers never
    // deadlock.
    private const string Rows = """
        s AS MATERIALIZED (
            SELECT *
              FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::text[],
                          $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[])
                AS s(name, workflow, cron, zone, context, status, fired, backfill, queue, application, overlap, jitter, "from", until,
                     waiting)
             ORDER BY s.name)
        """;

    private const string NowText =
        $"to_char(to_timestamp({Clock.Now} / 1000.0) AT TIME ZONE 'UTC', {TextFormat})";

    // As every SDK writes it: UTC with milliseconds.
    private const string TextFormat = "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'";

    /// <summary>$1 now, as in every statement that takes it.</summary>
    public const string ReadNow = $"SELECT {Clock.Now}";

    /// <summary>Creates the schedules that do not exist, and returns their names.</summary>
    public string Create { get; } = $"""
        WITH {Rows},
        written AS (
            {InsertRows(schema)}
            ON CONFLICT (schedule_name) DO NOTHING
            RETURNING schedule_name AS name),
        {Options(schema)}
        SELECT name FROM written
        """;

    /// <summary>$1 names. Runs before <see cref="Update"/>, in the order of names; returns those that exist.</summary>
    public string Lock { get; } = $"""
        SELECT schedule_name
          FROM {schema}.workflow_schedules
         WHERE schedule_name = ANY ($1::text[])
         ORDER BY schedule_name
           FOR NO KEY UPDATE
        """;

    /// <summary>Updates the schedules that exist; the workflow and the application of each stay.</summary>
    public string Update { get; } = $"""
        WITH {Rows},
        written AS (
            UPDATE {schema}.workflow_schedules AS w
               SET schedule = s.cron, cron_timezone = s.zone, context = s.context, automatic_backfill = s.backfill, queue_name = s.queue,
                   last_fired_at = {FiredUntilNow(schema, "w")}
              FROM s
             WHERE w.schedule_name = s.name
            RETURNING w.schedule_name AS name),
        {Options(schema)}
        SELECT name FROM written
        """;

    /// <summary>As <see cref="Update"/>, but only the expressions and their zones.</summary>
    public string Reschedule { get; } = $"""
        WITH {Rows}
        UPDATE {schema}.workflow_schedules AS w
           SET schedule = s.cron, cron_timezone = s.zone,
               last_fired_at = CASE WHEN w.automatic_backfill AND {NamesOthers("w")} AND {FiredAtOf("w")} < {Clock.Now}
                                    THEN {NowText} ELSE w.last_fired_at END
          FROM s
         WHERE w.schedule_name = s.name
        RETURNING w.schedule_name
        """;

    /// <summary>$1 name.</summary>
    // Uses an index of unended workflows, requested as TickSql does.
    public string FindRunning { get; } = $"""
        SELECT workflow_uuid
          FROM {schema}.workflow_status
         WHERE schedule_name >= $1 AND schedule_name <= $1
           AND status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}', '{WorkflowStates.Delayed}')
         ORDER BY schedule_name
         LIMIT 1
        """;

    /// <summary>
    /// Creates or updates each schedule. An update rewrites everything but id, pause and when it last fired. A schedule of another
    /// application is left out.
    /// </summary>
    public string Apply { get; } = $"""
        WITH {Rows},
        written AS (
            {InsertRows(schema)}
            ON CONFLICT (schedule_name) DO UPDATE
               SET workflow_name = EXCLUDED.workflow_name, workflow_class_name = EXCLUDED.workflow_class_name,
                   schedule = EXCLUDED.schedule, cron_timezone = EXCLUDED.cron_timezone, context = EXCLUDED.context,
                   automatic_backfill = EXCLUDED.automatic_backfill, queue_name = EXCLUDED.queue_name,
                   last_fired_at = (SELECT {FiredUntilNow(schema, "workflow_schedules")} FROM s WHERE s.name = EXCLUDED.schedule_name),
                   application_name = COALESCE(EXCLUDED.application_name, workflow_schedules.application_name)
             WHERE workflow_schedules.application_name IS NULL OR EXCLUDED.application_name IS NULL
                OR workflow_schedules.application_name = EXCLUDED.application_name
            RETURNING schedule_name AS name),
        {Options(schema)}
        SELECT name FROM written
        """;

    public string Read { get; } = $"{Select(schema)} WHERE s.schedule_name = $1";

    /// <summary>$1 application, or null for all. Sorted by code units, whatever the database's collation.</summary>
    public string ReadAll { get; } = $"""
        {Select(schema)}
         WHERE $1 IS NULL OR s.application_name = $1 OR s.application_name IS NULL
         ORDER BY s.schedule_name COLLATE "C"
        """;

    /// <summary>$1 now, $2 name, $3 whether to pause. What was due in a pause counts as fired, unless the schedule catches up.</summary>
    // Without a pause, as when this is repeated after a lost answer, nothing was due in it.
    public string SetPaused { get; } = $"""
        UPDATE {schema}.workflow_schedules AS s
           SET status = CASE WHEN $3 THEN '{ScheduleWords.Paused}' ELSE '{ScheduleWords.Active}' END,
               last_fired_at = CASE WHEN NOT $3 AND s.status = '{ScheduleWords.Paused}' AND NOT s.automatic_backfill
                                         AND {Clock.Now} > COALESCE({FiredAt}, {long.MinValue})
                                    THEN {NowText} ELSE s.last_fired_at END
         WHERE s.schedule_name = $2
        RETURNING s.schedule_name
        """;

    public string Delete { get; } = $"DELETE FROM {schema}.workflow_schedules WHERE schedule_name = $1";

    /// <summary>When the schedule <c>s</c> last fired, in epoch milliseconds; null if the text is not a moment.</summary>
    public static string FiredAt { get; } = FiredAtOf("s");

    // SDKs write the offset in several forms, or none for UTC.
    private static string FiredAtOf(string row) => $$"""
        CASE WHEN {{row}}.last_fired_at ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)?$'
             THEN (EXTRACT(epoch FROM (
                 {{row}}.last_fired_at || CASE WHEN {{row}}.last_fired_at ~ '(Z|[+-]\d\d(:?\d\d)?)$' THEN '' ELSE 'Z' END)::timestamptz)
                 * 1000)::bigint
             END
        """;

    private static string NamesOthers(string row) =>
        $"(s.cron, s.zone) IS DISTINCT FROM ({row}.schedule, COALESCE({row}.cron_timezone, 'UTC'))";

    // A schedule that catches up begins behind all moments that were not due before it was written so: those of another expression, those
    // before its old beginning and behind its old end, those of the time in which it did not catch up or had never fired.
    private static string FiredUntilNow(SchemaName schema, string row) => $"""
        CASE WHEN s.backfill AND {row}.last_fired_at IS NULL THEN {NowText}
                        WHEN s.backfill AND {FiredAtOf(row)} < {Clock.Now}
                             AND (NOT {row}.automatic_backfill OR {NamesOthers(row)} OR EXISTS (
                                 SELECT FROM {schema}.fluent_schedules AS f
                                  WHERE f.schedule_name = {row}.schedule_name AND f.until_ms <> COALESCE(s.until, {long.MaxValue})
                                    AND f.until_ms <= {Clock.Now}))
                        THEN {NowText}
                        ELSE COALESCE((
                            SELECT to_char(to_timestamp(LEAST({Clock.Now}, f.from_ms - 1) / 1000.0) AT TIME ZONE 'UTC', {TextFormat})
                              FROM {schema}.fluent_schedules AS f
                             WHERE f.schedule_name = {row}.schedule_name AND s.backfill
                               AND f.from_ms <> COALESCE(s."from", {long.MinValue})
                               AND {FiredAtOf(row)} < LEAST({Clock.Now}, f.from_ms - 1)), {row}.last_fired_at) END
        """;

    private static string InsertRows(SchemaName schema) => $"""
        INSERT INTO {schema}.workflow_schedules (
                schedule_id, schedule_name, workflow_name, workflow_class_name, schedule, status, context, last_fired_at,
                automatic_backfill, cron_timezone, queue_name, application_name)
            SELECT gen_random_uuid()::text, s.name, s.workflow, '', s.cron, s.status, s.context,
                   COALESCE(s.fired, CASE WHEN s.backfill THEN {NowText} END), s.backfill, s.zone, s.queue, s.application
              FROM s
        """;

    // A waiting moment stays with its schedule through any change.
    private static string Options(SchemaName schema) => $"""
        options AS (
            INSERT INTO {schema}.fluent_schedules (schedule_name, overlap, jitter_ms, from_ms, until_ms, waiting_tick_ms)
            SELECT s.name, s.overlap, s.jitter, s."from", s.until, s.waiting
              FROM s JOIN written AS w ON w.name = s.name
             ORDER BY s.name
            ON CONFLICT (schedule_name) DO UPDATE
               SET overlap = EXCLUDED.overlap, jitter_ms = EXCLUDED.jitter_ms, from_ms = EXCLUDED.from_ms, until_ms = EXCLUDED.until_ms)
        """;

    private static string Select(SchemaName schema) => $"""
        SELECT s.schedule_name, s.workflow_name, s.schedule, COALESCE(s.cron_timezone, 'UTC'), s.context, s.status = '{ScheduleWords.Paused}', {FiredAt},
               s.automatic_backfill, s.queue_name, s.application_name, f.overlap, COALESCE(f.jitter_ms, 0), f.from_ms, f.until_ms,
               f.waiting_tick_ms
          FROM {schema}.workflow_schedules AS s
          LEFT JOIN {SideSql.Schedules(schema)} AS f ON f.schedule_name = s.schedule_name
        """;
}
