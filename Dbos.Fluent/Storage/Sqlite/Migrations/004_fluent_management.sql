-- Our indexes for lists of workflows. It runs in the transaction of the migration, under the file's write lock. Making them reads the
-- workflows once for each. No semicolon stands inside a comment or a statement: the statements are told apart by it. What they cost: an
-- entry at the start of a workflow, and one more where what they are about changes. The beginning of an id is a range of the primary key.

-- By name: of every workflow, once.
CREATE INDEX IF NOT EXISTS idx_fluent_name ON workflow_status (name, created_at);

-- By version: of every workflow, at its first run.
CREATE INDEX IF NOT EXISTS idx_fluent_version
    ON workflow_status (application_version, created_at) WHERE application_version IS NOT NULL;

-- By queue: only of those that are or were in one. Those of DBOS forget a workflow that has ended.
CREATE INDEX IF NOT EXISTS idx_fluent_queue ON workflow_status (queue_name, created_at) WHERE queue_name IS NOT NULL;

-- By state, of those that wait: other states have indexes of DBOS.
CREATE INDEX IF NOT EXISTS idx_fluent_enqueued ON workflow_status (created_at) WHERE status = 'ENQUEUED';
CREATE INDEX IF NOT EXISTS idx_fluent_held ON workflow_status (created_at) WHERE status = 'DELAYED';
