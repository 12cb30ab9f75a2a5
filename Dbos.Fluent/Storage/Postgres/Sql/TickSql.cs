using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that start the workflow of one moment of a schedule.</summary>
/// <remarks>
/// The schedule's row is locked in an earlier statement, so that what the lock's last owner fired, paused or started is seen. Each has $1
/// to $20 as for a start, then $21 the schedule, $22 the moment, $23 the moment as text. It returns the outcome, or nothing if the
/// schedule does not exist. Except for a moment that a person requested, $24 to $31 are the schedule as read: workflow, cron, zone,
/// context, queue, jitter, from, until. A row with this call's own token is an earlier try's, whose answer was lost.
/// </remarks>
internal sealed class TickSql(SchemaName schema)
{
    private const string Started = nameof(TickOutcome.Started);
    private const string AlreadyFired = nameof(TickOutcome.AlreadyFired);
    private const string Paused = nameof(TickOutcome.Paused);
    private const string Changed = nameof(TickOutcome.Changed);
    private const string Skipped = nameof(TickOutcome.Skipped);
    private const string Queued = nameof(TickOutcome.Queued);

    /// <summary>$1 the schedule.</summary>
    public string Lock { get; } = $"SELECT 1 FROM {schema}.workflow_schedules WHERE schedule_name = $1 FOR NO KEY UPDATE";

    /// <summary>Its time has come.</summary>
    public string Due { get; } = Render(
        schema,
        $"""
                   WHEN s.paused THEN '{Paused}'
                   WHEN s.last_fired >= $22 AND NOT {IsAhead} THEN CASE WHEN s.waiting = $22 THEN '{Queued}' ELSE '{AlreadyFired}' END
                   WHEN s.mine IS NOT NULL THEN '{AlreadyFired}'
                   WHEN s.changed THEN '{Changed}'
                   WHEN s.overlap = '{OverlapWords.QueueOne}' AND s.waiting IS NOT NULL THEN '{Skipped}'
                   WHEN s.overlap = '{OverlapWords.QueueOne}' AND {Runs(schema)} THEN '{Queued}'
                   WHEN s.overlap = '{OverlapWords.Skip}' AND {Runs(schema)} THEN '{Skipped}'
        """,
        $"""
        moved AS (
            UPDATE {schema}.workflow_schedules
               SET last_fired_at = $23
             WHERE schedule_name = (
                   SELECT name FROM tick WHERE outcome NOT IN ('{Paused}', '{Changed}') AND COALESCE(last_fired < $22 OR {IsAhead}, true))),
        waits AS (
            UPDATE {schema}.fluent_schedules
               SET waiting_tick_ms = $22
             WHERE schedule_name = (SELECT name FROM tick WHERE outcome = '{Queued}' AND waiting IS NULL))
        """);

    /// <summary>It waited for the previous run.</summary>
    public string Waiting { get; } = Render(
        schema,
        $"""
                   WHEN s.waiting IS DISTINCT FROM $22 THEN '{AlreadyFired}'
                   WHEN s.paused THEN '{Paused}'
                   WHEN s.mine IS NOT NULL THEN '{AlreadyFired}'
                   WHEN s.changed THEN '{Changed}'
                   WHEN {Runs(schema)} THEN '{Queued}'
        """,
        $"""
        ended AS (
            UPDATE {schema}.fluent_schedules
               SET waiting_tick_ms = NULL
             WHERE schedule_name = (
                   SELECT name FROM tick WHERE waiting = $22 AND outcome IN ('{Started}', '{AlreadyFired}')))
        """);

    /// <summary>A person requested it.</summary>
    public string Asked { get; } = Render(
        schema, $"                   WHEN s.mine IS NOT NULL THEN '{AlreadyFired}'", "nothing AS (SELECT 1)", "false");

    private static readonly string IsAhead = $"last_fired > {Clock.Now} + {ScheduleRow.AheadMaxMs}";

    private const string IsChanged = """
        $25 IS NOT NULL
                   AND (s.workflow_name, s.schedule, COALESCE(s.cron_timezone, 'UTC'), s.context, s.queue_name,
                        COALESCE(f.jitter_ms, 0), f.from_ms, f.until_ms) IS DISTINCT FROM ($24, $25, $26, $27, $28, $29, $30, $31)
        """;

    private static string Render(SchemaName schema, string cases, string effects, string changed = IsChanged) => $"""
        WITH schedule AS MATERIALIZED (
            SELECT s.schedule_name AS name, s.status = '{ScheduleWords.Paused}' AS paused, {ScheduleSql.FiredAt} AS last_fired, f.overlap,
                   f.waiting_tick_ms AS waiting, own.mine,
                   {changed} AS changed
              FROM {schema}.workflow_schedules AS s
              LEFT JOIN {schema}.fluent_schedules AS f ON f.schedule_name = s.schedule_name
              LEFT JOIN LATERAL (
                SELECT COALESCE(creator_xid = $5, false) AS mine
                  FROM {schema}.workflow_status
                 WHERE workflow_uuid = $2
                 LIMIT 1) AS own ON true
             WHERE s.schedule_name = $21),
        tick AS MATERIALIZED (
            SELECT s.*,
                   CASE WHEN s.mine THEN '{Started}'
        {cases}
                   ELSE '{Started}' END AS outcome
              FROM schedule AS s),
        created AS (
            INSERT INTO {schema}.workflow_status ({CommitSql.StatusColumns})
            {CommitSql.SelectOneStart($"FROM tick WHERE outcome = '{Started}' AND mine IS NULL")}
            ON CONFLICT DO NOTHING
            RETURNING workflow_uuid, created_at),
        {CommitSql.StoreOneInput(schema)},
        {effects}
        SELECT CASE WHEN outcome = '{Started}' AND mine IS NULL AND NOT EXISTS (SELECT FROM created) THEN '{AlreadyFired}' ELSE outcome END
          FROM tick
        """;

    // Uses an index of unended workflows, because there may be any number of ended ones. The order is that of the index, so that the
    // planner uses it; an equation would leave no order. If most rows are unended, or most are this schedule's, the planner would expect to
    // meet one that is both soon, and would read the whole table if there is none.
    private static string Runs(SchemaName schema) => $"""
        COALESCE((
                       SELECT true
                         FROM {schema}.workflow_status
                        WHERE schedule_name >= $21 AND schedule_name <= $21
                          AND status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}', '{WorkflowStates.Delayed}')
                        ORDER BY schedule_name
                        LIMIT 1), false)
        """;
}
