namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>
/// Tables as they are after long use, 120,000 workflows and what belongs to them: filled so that a plan which reads everything of a state,
/// of a queue or of an inbox would look short.
/// </summary>
internal static class LargeTables
{
    /// <summary>How many run: <c>r1</c> and so on, owned by the tokens <c>t1</c> and so on.</summary>
    public const int Running = 500;

    /// <summary>How many of the last of these run on an executor that is dead, or on one that stops.</summary>
    public const int RunningElsewhere = 100;

    /// <summary>Fills empty tables. The foreign keys are met by what is filled in, and not looked at, which would take longest.</summary>
    public static string Fill { get; } = $"""
        SET synchronous_commit = off;
        {Forget}
        SET session_replication_role = replica;
        CREATE TEMP TABLE clock AS SELECT (EXTRACT(epoch FROM now()) * 1000)::bigint AS now;
        {Rows}
        {Workflows}
        {Foreign}
        {Others}
        {Belongings}
        RESET session_replication_role;
        """;

    /// <summary>The queues, of which the first is without limits.</summary>
    public static IReadOnlyList<WorkflowQueue> Queues { get; } =
    [
        new("long"),
        new("whole") { Concurrency = 600, RateLimit = new RateLimit(500, TimeSpan.FromHours(1)) },
        new("parted") { Concurrency = 600, PartitionConcurrency = 2, PartitionRateLimit = new RateLimit(500, TimeSpan.FromHours(1)) },
        new("again") { RateLimit = new RateLimit(500, TimeSpan.FromHours(1)) },
        new("spare"),
    ];

    // What calls have made of empty tables.
    private const string Forget = """
        DELETE FROM workflow_status; DELETE FROM workflow_input; DELETE FROM workflow_output; DELETE FROM operation_outputs;
        DELETE FROM workflow_schedules; DELETE FROM fluent_executors; DELETE FROM fluent_starts;
        """;

    private const string Rows = """
        INSERT INTO workflow_schedules (
            schedule_id, schedule_name, workflow_name, schedule, context, last_fired_at, cron_timezone, application_name)
        SELECT n, n, 'checkout', '0 3 * * *', 'none', '2026-01-01T00:00:00.000Z', 'UTC', 'shop'
          FROM unnest(array['nightly', 'hourly']) AS n;
        INSERT INTO fluent_schedules (schedule_name, overlap, jitter_ms) VALUES ('nightly', 'skip', 0), ('hourly', 'queue_one', 0);
        INSERT INTO fluent_executors
        SELECT e, 'first launch', 'shop', 'v1', 'machine', 'boot', 'pid', 1, 1, now + CASE WHEN e = 'dead' THEN -1000 ELSE 100000000 END
          FROM clock, unnest(array['executor-1', 'dead', 'stopping']) AS e;
        """;

    // Ended, most with starts before any window; waiting in one long line, in one with limits and in 2,000 partitions; delayed, a few of
    // them due; running; parked, a few of them due. Several in each millisecond.
    private const string Workflows = """
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, created_at, updated_at,
            started_at_epoch_ms, completed_at, serialization, recovery_attempts, rate_limited, schedule_name, executor_id)
        SELECT 's' || g, 'SUCCESS', 'checkout', 'shop', 'v1', (array['long', 'whole', 'parted'])[g % 3 + 1],
               CASE WHEN g % 3 = 2 THEN 'p' || g % 600 END, now - 190000000 + g / 50, now - 1000,
               CASE WHEN g > 39400 THEN now - 60000 - g ELSE now - 80000000 + g END, now - 70000000 + g, 'dotnet_msgpack', 1, true,
               (array['nightly', 'hourly'])[g % 2 + 1], 'executor-1'
          FROM clock, generate_series(1, 40000) AS g;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, created_at, updated_at,
            serialization, recovery_attempts, deduplication_id)
        SELECT 'q' || g, 'ENQUEUED', 'checkout', CASE WHEN g % 10 > 0 THEN 'shop' END, 'v1',
               CASE WHEN g <= 40000 THEN 'long' WHEN g <= 50000 THEN 'whole' ELSE 'parted' END,
               CASE WHEN g > 50000 THEN 'p' || g % 2000 END, now - 90000000 + g / 50, now - 1000, 'dotnet_msgpack', 0,
               CASE WHEN g % 2 = 0 THEN 'key ' || g END
          FROM clock, generate_series(1, 60000) AS g;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, created_at, updated_at, serialization,
            recovery_attempts, deduplication_id, is_debounced, delay_until_epoch_ms, workflow_deadline_epoch_ms)
        SELECT 'd' || g, 'DELAYED', 'checkout', 'shop', 'v1', 'long', now - 1000 + g / 50, now - 1000, 'dotnet_msgpack', 0, 'quiet ' || g,
               g % 2 = 0, now + CASE WHEN g <= 200 THEN -g ELSE 100000000 + g END,
               now + CASE WHEN g > 9900 THEN -g ELSE 100000000 + g END
          FROM clock, generate_series(1, 10000) AS g;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, created_at, updated_at,
            started_at_epoch_ms, serialization, recovery_attempts, owner_xid, executor_id, workflow_deadline_epoch_ms)
        SELECT 'r' || g, 'PENDING', 'checkout', 'shop', 'v1', (array['long', 'whole', 'parted', NULL])[g % 4 + 1],
               CASE WHEN g % 4 = 2 THEN 'p' || g END, now - 90000000 + g, now - 90000000, now - 50000, 'dotnet_msgpack', 1, 't' || g,
               CASE WHEN g > 450 THEN 'dead' WHEN g > 400 THEN 'stopping' ELSE 'executor-1' END, now + 100000000
          FROM clock, generate_series(1, 500) AS g;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, created_at, updated_at, started_at_epoch_ms,
            serialization, recovery_attempts, delay_until_epoch_ms, executor_id)
        SELECT 'p' || g, 'DELAYED', 'checkout', 'shop', 'v1', '_dbos_internal_queue', now - 90000000 + g, now - 1000, now - 1000,
               'dotnet_msgpack', 1, now + 100000000 + g, 'executor-1'
          FROM clock, generate_series(1, 9000) AS g;
        """;

    // In front of each line, what only another version runs: all of one partition, and more than any claim may look at.
    private const string Foreign = """
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, created_at, updated_at,
            serialization, recovery_attempts)
        SELECT 'v' || g, 'ENQUEUED', 'checkout', 'shop', 'v0', (array['long', 'whole', 'parted'])[g % 3 + 1],
               CASE WHEN g % 3 = 2 THEN 'p501' END, now - 95000000 + g / 50, now - 1000, 'dotnet_msgpack', 0
          FROM clock, generate_series(1, 30000) AS g;
        """;

    // Forks without an origin of their own, inputs too large to come with a claim's answer, and what was handed on within a rate's window.
    private const string Others = """
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, created_at, updated_at, started_at_epoch_ms,
            serialization, recovery_attempts, rate_limited, executor_id)
        SELECT 'h' || g, 'ENQUEUED', 'checkout', 'shop', 'v1', 'again', now + g, now, now - 60000 - g, 'dotnet_msgpack', 1, true, 'dead'
          FROM clock, generate_series(1, 200) AS g;
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, created_at, updated_at, serialization,
            recovery_attempts, forked_from)
        SELECT 'f' || g, 'ENQUEUED', 'checkout', 'shop', 'v1', (array['forks', 'large'])[g % 2 + 1], now + g, now, 'dotnet_msgpack', 0,
               CASE WHEN g % 2 = 0 THEN 's' || g END
          FROM clock, generate_series(1, 200) AS g;
        """;

    // One inbox, one set of events and one stream are much longer than all others.
    private const string Belongings = """
        INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
        SELECT 'p' || g, 0, 0, kind,
               CASE kind WHEN 'time' THEN '' WHEN 'outcome' THEN 'q' || g WHEN 'event' THEN 'q' || g || '::done'
                         ELSE 'p' || g || '::approval' END,
               CASE kind WHEN 'time' THEN '' WHEN 'message' THEN 'p' || g ELSE 'q' || g END,
               CASE kind WHEN 'message' THEN 'approval' WHEN 'event' THEN 'done' ELSE '' END,
               CASE WHEN kind <> 'outcome' THEN now + CASE WHEN g <= 200 THEN -g ELSE 100000000 + g END END, 't'
          FROM clock, generate_series(1, 9000) AS g,
               LATERAL (SELECT (array['time', 'message', 'event', 'outcome'])[g % 4 + 1] AS kind) AS k;
        INSERT INTO fluent_starts (queue_name, queue_partition_key, application_name, workflow_uuid, started_at_epoch_ms)
        SELECT (array['whole', 'parted', 'again'])[g % 3 + 1], CASE WHEN g % 3 = 1 THEN 'p' || g % 600 END, 'shop', 's' || g,
               CASE WHEN g > 29900 THEN now - 60000 - g ELSE now - 80000000 + g END
          FROM clock, generate_series(1, 30000) AS g;
        INSERT INTO workflow_input (workflow_uuid, inputs)
        SELECT workflow_uuid, CASE WHEN queue_name = 'large' THEN repeat('input', 10000) ELSE 'input' END FROM workflow_status;
        INSERT INTO workflow_output (workflow_uuid, output) SELECT 's' || g, 'output' FROM generate_series(1, 40000) AS g;
        INSERT INTO fluent_origins (workflow_uuid, seed, started_at) SELECT 's' || g, g, 1 FROM generate_series(1, 20000) AS g;
        INSERT INTO fluent_generations (workflow_uuid, generation) SELECT 's' || g, 1 FROM generate_series(1, 10000) AS g;
        INSERT INTO operation_outputs (
            workflow_uuid, function_id, function_name, output, serialization, started_at_epoch_ms, completed_at_epoch_ms, application_name)
        SELECT CASE WHEN g <= 30000 THEN 's' || g ELSE 'r' || g % 500 + 1 END, g / 500, 'step', 'output', 'dotnet_msgpack', 1, 1, 'shop'
          FROM generate_series(1, 40000) AS g;
        INSERT INTO notifications (
            message_uuid, destination_uuid, topic, message, created_at_epoch_ms, serialization, consumed, consumed_by_function_id)
        SELECT 'm' || g, CASE WHEN g <= 30000 THEN 'r1' ELSE 'p' || g % 8000 + 201 END, 'approval', 'text', now - 90000000 + g / 50,
               'dotnet_msgpack', g <= 20000, CASE WHEN g <= 20000 THEN 1 END
          FROM clock, generate_series(1, 40000) AS g;
        INSERT INTO fluent_message_order (message_uuid) SELECT 'm' || g FROM generate_series(1, 40000) AS g;
        INSERT INTO workflow_events (workflow_uuid, key, value)
        SELECT CASE WHEN g <= 500 THEN 'r1' ELSE 's' || g END, 'key' || g % 500, 'value' FROM generate_series(1, 20000) AS g;
        INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value)
        SELECT CASE WHEN g <= 500 THEN 'r1' ELSE 's' || g END, 1, 'key' || g % 500, 'value' FROM generate_series(1, 20000) AS g;
        INSERT INTO streams (workflow_uuid, key, value, "offset")
        SELECT CASE WHEN g <= 20000 THEN 'r1' ELSE 's' || g END, 'log', 'value', CASE WHEN g <= 20000 THEN g - 1 ELSE 0 END
          FROM generate_series(1, 30000) AS g;
        """;
}
