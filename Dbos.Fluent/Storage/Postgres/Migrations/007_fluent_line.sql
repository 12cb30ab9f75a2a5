-- The lines of queues as claims read them, one statement after another; {online} as in 123_dbos_indexes.sql. Which versions and names wait
-- in a line is found by jumps, and the rows of each by their place, so that rows which only others run are passed over however many they
-- are. Rows of one moment are in the order of their ids. It costs one entry for each time a workflow is enqueued. In the order of bytes and
-- under a condition that only claims repeat: a plan made while the table was empty could take it for another statement's own.

CREATE INDEX {online} IF NOT EXISTS idx_fluent_line
    ON {schema}.workflow_status (
        queue_name COLLATE "C", (COALESCE(application_version, '') COLLATE "C"), name COLLATE "C", queue_partition_key COLLATE "C",
        priority, created_at, workflow_uuid COLLATE "C")
    WHERE status COLLATE "C" = 'ENQUEUED';
