-- Our indexes on tables that may be long, one statement after another; {online} as in 123_dbos_indexes.sql. All of them are partial, and of
-- columns that change only together with those of DBOS's own indexes, so that what an ordinary workflow's changes cost stays the same.

-- Parked workflows that wait for something besides a moment: those that only sleep need no looking after.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_waits_open
    ON {schema}.fluent_waits (workflow_uuid) WHERE kind <> 'time';

-- Delayed enqueues. The index of DBOS also holds all parked workflows, each of which has run before, as a delayed enqueue has not.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_delayed
    ON {schema}.workflow_status (delay_until_epoch_ms) WHERE status = 'DELAYED' AND COALESCE(recovery_attempts, 0) = 0;

-- What counts in the rate window of one partition.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_rate_limited_partition
    ON {schema}.workflow_status (queue_name, queue_partition_key, started_at_epoch_ms)
    WHERE rate_limited = true AND queue_partition_key IS NOT NULL;

-- Whether a run of a schedule has not ended, however many have.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_schedule_running
    ON {schema}.workflow_status (schedule_name)
    WHERE schedule_name IS NOT NULL AND status IN ('ENQUEUED', 'PENDING', 'DELAYED');
