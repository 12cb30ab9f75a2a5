-- What Dbos.Fluent keeps beside the DBOS tables. Other SDKs never look here; the names begin with fluent_ so that nobody's collide.

-- Executors and their leases, on the database's own clock. The host columns tell a dead process on the same host from a silent one.
CREATE TABLE IF NOT EXISTS {schema}.fluent_executors (
    executor_id text PRIMARY KEY,
    incarnation text NOT NULL,
    application_name text NOT NULL,
    application_version text NOT NULL,
    machine_id text NOT NULL,
    boot_id text NOT NULL,
    pid_namespace text NOT NULL,
    process_id integer NOT NULL,
    process_start bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    stopped boolean NOT NULL DEFAULT false
);

-- What seeds a workflow's ids, random numbers and clock, where it does not follow from the workflow's own row.
CREATE TABLE IF NOT EXISTS {schema}.fluent_origins (
    workflow_uuid text PRIMARY KEY REFERENCES {schema}.workflow_status (workflow_uuid) ON DELETE CASCADE,
    seed bigint NOT NULL,
    started_at bigint NOT NULL
);
