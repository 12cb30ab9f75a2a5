-- What parked workflows wait for, and in which order messages arrived. Both tables are new; making them locks workflow_status and
-- notifications against writers for the moment that a foreign key takes. The index on an existing table is in 002_fluent_indexes.sql.

-- A DELAYED workflow that has rows here is parked; one without is a delayed enqueue. The token is that of the execution that parked it.
CREATE TABLE IF NOT EXISTS {schema}.fluent_waits (
    workflow_uuid text NOT NULL REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    sequence integer NOT NULL,
    part integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('time', 'message', 'event', 'outcome')),
    key text NOT NULL,
    target text NOT NULL,
    name text NOT NULL,
    wake_at bigint,
    token text NOT NULL,
    PRIMARY KEY (workflow_uuid, sequence, part)
);

-- Which are due: read in this order, and no further than what is due.
CREATE INDEX IF NOT EXISTS idx_fluent_waits_wake_at ON {schema}.fluent_waits (wake_at) WHERE wake_at IS NOT NULL;

-- Who waits for what a signal announces.
CREATE INDEX IF NOT EXISTS idx_fluent_waits_key ON {schema}.fluent_waits (kind, key);

-- The order of messages within one millisecond. Messages that other SDKs sent have no row here.
CREATE TABLE IF NOT EXISTS {schema}.fluent_message_order (
    message_uuid text PRIMARY KEY REFERENCES {schema}.notifications (message_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    position bigint GENERATED ALWAYS AS IDENTITY
);
