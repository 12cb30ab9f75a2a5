using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements of <see cref="SqliteScheduleStore"/>.</summary>
internal static class ScheduleSql
{
    private const string Columns = """
        s.schedule_name, s.workflow_name, s.schedule, s.cron_timezone, s.context, s.status, s.last_fired_at, s.automatic_backfill,
        s.queue_name, s.application_name, f.overlap, coalesce(f.jitter_ms, 0), f.from_ms, f.until_ms, f.waiting_tick_ms
        """;

    public const string Read = $"""
        SELECT {Columns} FROM workflow_schedules AS s LEFT JOIN fluent_schedules AS f ON f.schedule_name = s.schedule_name
         WHERE s.schedule_name = @schedule_name
        """;

    /// <summary>No limit: there are only as many schedules as were created.</summary>
    public const string ReadAll = $"""
        SELECT {Columns} FROM workflow_schedules AS s LEFT JOIN fluent_schedules AS f ON f.schedule_name = s.schedule_name
         WHERE @application_name IS NULL OR s.application_name = @application_name OR s.application_name IS NULL
        """;

    /// <summary>The class name of a schedule without one is empty in every SDK.</summary>
    public const string Insert = """
        INSERT INTO workflow_schedules (
            schedule_id, schedule_name, workflow_name, workflow_class_name, schedule, status, context, last_fired_at, automatic_backfill,
            cron_timezone, queue_name, application_name)
        VALUES (
            @schedule_id, @schedule_name, @workflow_name, '', @schedule, @status, @context, @last_fired_at, @automatic_backfill,
            @cron_timezone, @queue_name, @application_name)
        """;

    /// <summary>The id, the pause and the last fired moment stay.</summary>
    public const string Update = """
        UPDATE workflow_schedules
           SET schedule = @schedule, context = @context, automatic_backfill = @automatic_backfill, cron_timezone = @cron_timezone,
               queue_name = @queue_name
         WHERE schedule_name = @schedule_name
        """;

    public const string SetWorkflow = """
        UPDATE workflow_schedules
           SET workflow_name = @workflow_name, workflow_class_name = '', application_name = coalesce(@application_name, application_name)
         WHERE schedule_name = @schedule_name
        """;

    /// <summary>A waiting moment continues to wait.</summary>
    public const string WriteSide = """
        INSERT INTO fluent_schedules (schedule_name, overlap, jitter_ms, from_ms, until_ms, waiting_tick_ms)
        VALUES (@schedule_name, @overlap, @jitter_ms, @from_ms, @until_ms, @waiting_tick_ms)
        ON CONFLICT (schedule_name) DO UPDATE
           SET overlap = excluded.overlap, jitter_ms = excluded.jitter_ms, from_ms = excluded.from_ms, until_ms = excluded.until_ms
        """;

    public const string SetStatus = "UPDATE workflow_schedules SET status = @status WHERE schedule_name = @schedule_name";

    public const string SetLastFired = """
        UPDATE workflow_schedules SET last_fired_at = @last_fired_at WHERE schedule_name = @schedule_name
        """;

    /// <summary>A moment waits only under a policy that is stored in the side row, so that row exists.</summary>
    public const string SetWaiting = """
        UPDATE fluent_schedules SET waiting_tick_ms = @waiting_tick_ms WHERE schedule_name = @schedule_name
        """;

    /// <summary>The side row is deleted with it.</summary>
    public const string Delete = "DELETE FROM workflow_schedules WHERE schedule_name = @schedule_name";

    /// <summary>Uses idx_fluent_schedule_running, whose condition it repeats, so that ended runs do not matter.</summary>
    public const string FindRunning = $"""
        SELECT workflow_uuid FROM workflow_status
         WHERE schedule_name = @schedule_name
           AND status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}')
         LIMIT 1
        """;
}
