-- What DBOS has no columns for: the pause of a queue, and the options of schedules. Neither refers to the table it belongs to, so that
-- making them locks nothing; each row goes with the queue or the schedule that this library deletes, and a leftover of one that another
-- SDK deleted is overwritten when that name is written again.

CREATE TABLE IF NOT EXISTS {schema}.fluent_queues (
    name text PRIMARY KEY,
    paused boolean NOT NULL
);

CREATE TABLE IF NOT EXISTS {schema}.fluent_schedules (
    schedule_name text PRIMARY KEY,
    overlap text NOT NULL,
    jitter_ms bigint NOT NULL,
    from_ms bigint,
    until_ms bigint,
    waiting_tick_ms bigint
);
