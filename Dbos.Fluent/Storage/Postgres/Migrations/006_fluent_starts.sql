-- What DBOS has no table for: starts that a later start of the same workflow has overwritten in its row, for as long as they may count in a
-- rate's window. The table is new; making it locks queues against writers for the moment that a foreign key takes.

-- No foreign key to the workflow: a start has happened whatever becomes of that. The row goes with its queue, as nothing else asks for it.
CREATE TABLE IF NOT EXISTS {schema}.fluent_starts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue_name text NOT NULL REFERENCES {schema}.queues (name) ON UPDATE CASCADE ON DELETE CASCADE,
    queue_partition_key text,
    application_name text,
    workflow_uuid text NOT NULL,
    started_at_epoch_ms bigint NOT NULL
);

-- What counts in the window of a queue, and what no window holds any more.
CREATE INDEX IF NOT EXISTS idx_fluent_starts ON {schema}.fluent_starts (queue_name, started_at_epoch_ms);

-- What counts in the window of one partition.
CREATE INDEX IF NOT EXISTS idx_fluent_starts_partition
    ON {schema}.fluent_starts (queue_name, queue_partition_key, started_at_epoch_ms) WHERE queue_partition_key IS NOT NULL;
