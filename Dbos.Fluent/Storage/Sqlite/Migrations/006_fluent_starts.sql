-- Starts that a later start of the same workflow has overwritten in its row, for as long as they may count in a rate's window. It runs in
-- the transaction of the migration, under the file's write lock. No semicolon stands inside a comment or a statement: the statements are
-- told apart by it.

-- No foreign key to the workflow: a start has happened whatever becomes of that. The row goes with its queue, as nothing else asks for it.
CREATE TABLE IF NOT EXISTS fluent_starts (
    id INTEGER NOT NULL PRIMARY KEY,
    queue_name TEXT NOT NULL REFERENCES queues (name) ON UPDATE CASCADE ON DELETE CASCADE,
    queue_partition_key TEXT,
    application_name TEXT,
    workflow_uuid TEXT NOT NULL,
    started_at_epoch_ms INTEGER NOT NULL
);

-- What counts in the window of a queue, and what no window holds any more.
CREATE INDEX IF NOT EXISTS idx_fluent_starts ON fluent_starts (queue_name, started_at_epoch_ms);

-- What counts in the window of one partition.
CREATE INDEX IF NOT EXISTS idx_fluent_starts_partition
    ON fluent_starts (queue_name, queue_partition_key, started_at_epoch_ms) WHERE queue_partition_key IS NOT NULL;
