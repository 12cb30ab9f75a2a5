-- What messages and parked workflows need beside the DBOS tables. It runs in the transaction of the migration, under the file's write
-- lock. Making the index reads the messages once. No semicolon stands inside a comment or a statement: the statements are told apart by it.

-- What a parked workflow waits for. A DELAYED row that has any is parked, one without is a delayed enqueue.
CREATE TABLE IF NOT EXISTS fluent_waits (
    workflow_uuid TEXT NOT NULL REFERENCES workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    part INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('time', 'message', 'event', 'outcome')),
    key TEXT NOT NULL,
    target TEXT NOT NULL,
    name TEXT NOT NULL,
    wake_at INTEGER,
    token TEXT NOT NULL,
    PRIMARY KEY (workflow_uuid, sequence, part)
) WITHOUT ROWID;

-- The order in which messages came. Their time of sending cannot tell it within a millisecond, and a consumed position is not used again.
CREATE TABLE IF NOT EXISTS fluent_message_order (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    message_uuid TEXT NOT NULL UNIQUE REFERENCES notifications (message_uuid) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS idx_fluent_waits_wake_at ON fluent_waits (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_fluent_waits_key ON fluent_waits (kind, key);

-- Consumed messages stay, so an inbox that is read for years must not be searched through them.
CREATE INDEX IF NOT EXISTS idx_fluent_notifications_unread
    ON notifications (destination_uuid, topic, created_at_epoch_ms) WHERE consumed = 0;
