-- What this library keeps beside the DBOS tables. Other SDKs neither read nor write it. It runs in the transaction of the migration,
-- under the file's write lock. No semicolon stands inside a comment or a statement: the statements are told apart by it.

CREATE TABLE IF NOT EXISTS fluent_migrations (
    version INTEGER NOT NULL PRIMARY KEY
);

CREATE TABLE IF NOT EXISTS fluent_executors (
    executor_id TEXT NOT NULL PRIMARY KEY,
    incarnation TEXT NOT NULL,
    application_name TEXT NOT NULL,
    application_version TEXT NOT NULL,
    machine_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    process_id INTEGER NOT NULL,
    process_start INTEGER NOT NULL,
    lease_expires_at INTEGER NOT NULL,
    stopped INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1))
);

CREATE TABLE IF NOT EXISTS fluent_origins (
    workflow_uuid TEXT NOT NULL PRIMARY KEY REFERENCES workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    seed INTEGER NOT NULL,
    started_at INTEGER NOT NULL
) WITHOUT ROWID;

-- A claim looks at all queues at once, in the order of its ORDER BY, and stops at its LIMIT.
CREATE INDEX IF NOT EXISTS idx_fluent_claimable ON workflow_status (priority, created_at, workflow_uuid) WHERE status = 'ENQUEUED';
