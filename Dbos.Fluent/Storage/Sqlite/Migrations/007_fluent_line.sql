-- The lines of queues as claims read them. Which versions and names wait in a line is found by jumps, and the rows of each by their place,
-- so that rows which only others run are passed over however many they are. Making the index reads the workflows once.

DROP INDEX IF EXISTS idx_fluent_line;
CREATE INDEX IF NOT EXISTS idx_fluent_line
    ON workflow_status (
        queue_name, application_name, coalesce(application_version, ''), name, queue_partition_key, priority, created_at, workflow_uuid)
    WHERE status = 'ENQUEUED';
