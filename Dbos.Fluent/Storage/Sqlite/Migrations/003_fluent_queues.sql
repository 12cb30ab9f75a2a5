-- What queues and schedules need beside the DBOS tables. It runs in the transaction of the migration, under the file's write lock. Making
-- the indexes reads the workflows once. No semicolon stands inside a comment or a statement: the statements are told apart by it.

CREATE TABLE IF NOT EXISTS fluent_queues (
    name TEXT NOT NULL PRIMARY KEY REFERENCES queues (name) ON UPDATE CASCADE ON DELETE CASCADE,
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1))
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS fluent_schedules (
    schedule_name TEXT NOT NULL PRIMARY KEY REFERENCES workflow_schedules (schedule_name) ON UPDATE CASCADE ON DELETE CASCADE,
    overlap TEXT NOT NULL CHECK (overlap IN ('allow', 'skip', 'queue_one')),
    jitter_ms INTEGER NOT NULL DEFAULT 0 CHECK (jitter_ms >= 0),
    from_ms INTEGER,
    until_ms INTEGER,
    waiting_tick_ms INTEGER
) WITHOUT ROWID;

-- A claim goes along the line of each queue it serves and stops at its limit. The order of all queues together serves none of them where
-- one is paused or full.
DROP INDEX IF EXISTS idx_fluent_claimable;
CREATE INDEX IF NOT EXISTS idx_fluent_line
    ON workflow_status (queue_name, application_name, priority, created_at, workflow_uuid) WHERE status = 'ENQUEUED';

-- Delayed enqueues by the end of their delay. A parked workflow has run, so the index is not filled with those.
CREATE INDEX IF NOT EXISTS idx_fluent_delayed
    ON workflow_status (application_name, delay_until_epoch_ms) WHERE status = 'DELAYED' AND coalesce(recovery_attempts, 0) = 0;

-- The starts within the window of a partition.
CREATE INDEX IF NOT EXISTS idx_fluent_partition_started
    ON workflow_status (queue_name, queue_partition_key, started_at_epoch_ms) WHERE rate_limited = 1 AND queue_partition_key IS NOT NULL;

-- The runs of a schedule that have not ended, of which there are few, among all that it ever started.
CREATE INDEX IF NOT EXISTS idx_fluent_schedule_running
    ON workflow_status (schedule_name) WHERE status IN ('ENQUEUED', 'DELAYED', 'PENDING') AND schedule_name IS NOT NULL;

-- Those whose wait may have been over without anybody saying so.
CREATE INDEX IF NOT EXISTS idx_fluent_waits_open ON fluent_waits (workflow_uuid) WHERE kind <> 'time';
