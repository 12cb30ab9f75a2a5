-- Our index on a DBOS table, one statement after another; {online} as in 123_dbos_indexes.sql. Messages that were read stay in their table,
-- so the index of the unread ones is what keeps a receive from passing over all that came before.

CREATE INDEX {online} IF NOT EXISTS idx_fluent_notifications_unread
    ON {schema}.notifications (destination_uuid, topic, created_at_epoch_ms) WHERE NOT consumed;
