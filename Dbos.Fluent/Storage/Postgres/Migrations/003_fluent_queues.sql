-- What DBOS has no columns for: the pause of a queue, and the options of schedules. Both tables are new; making them locks queues and
-- workflow_schedules against writers for the moment that a foreign key takes. Each row goes with what it belongs to, whoever deletes that.

CREATE TABLE IF NOT EXISTS {schema}.fluent_queues (
    name text PRIMARY KEY REFERENCES {schema}.queues (name) ON UPDATE CASCADE ON DELETE CASCADE,
    paused boolean NOT NULL
);

CREATE TABLE IF NOT EXISTS {schema}.fluent_schedules (
    schedule_name text PRIMARY KEY REFERENCES {schema}.workflow_schedules (schedule_name) ON UPDATE CASCADE ON DELETE CASCADE,
    overlap text NOT NULL CHECK (overlap IN ('allow', 'skip', 'queue_one')),
    jitter_ms bigint NOT NULL,
    from_ms bigint,
    until_ms bigint,
    waiting_tick_ms bigint
);
