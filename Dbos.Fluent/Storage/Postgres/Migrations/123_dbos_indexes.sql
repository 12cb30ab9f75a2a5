-- The indexes of the DBOS system database at level 123, one statement after another.
--
-- On a new database they are part of the transaction that makes the tables. On an existing one {online} becomes CONCURRENTLY, so that
-- building them holds up no writer; what an earlier run left unfinished is dropped before.

DROP INDEX {online} IF EXISTS {schema}.workflow_status_executor_id_index;
DROP INDEX {online} IF EXISTS {schema}.workflow_status_status_index;
DROP INDEX {online} IF EXISTS {schema}.idx_workflow_status_queue_status_started;
DROP INDEX {online} IF EXISTS {schema}.idx_workflow_status_in_flight;
DROP INDEX {online} IF EXISTS {schema}.idx_workflow_status_partition_dequeue;
DROP INDEX {online} IF EXISTS {schema}.idx_workflow_status_partition_dequeue_v2;
DROP INDEX {online} IF EXISTS {schema}.idx_operation_outputs_completed_at_function_name;
DROP INDEX {online} IF EXISTS {schema}.idx_notifications;

CREATE INDEX {online} IF NOT EXISTS workflow_status_created_at_index
    ON {schema}.workflow_status (created_at);
CREATE UNIQUE INDEX {online} IF NOT EXISTS uq_workflow_status_dedup_id
    ON {schema}.workflow_status (queue_name, deduplication_id) WHERE deduplication_id IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_forked_from
    ON {schema}.workflow_status (forked_from) WHERE forked_from IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_parent_workflow_id
    ON {schema}.workflow_status (parent_workflow_id) WHERE parent_workflow_id IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_delayed
    ON {schema}.workflow_status (delay_until_epoch_ms) WHERE status = 'DELAYED';
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_pending
    ON {schema}.workflow_status (created_at) WHERE status = 'PENDING';
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_failed
    ON {schema}.workflow_status (status, created_at) WHERE status IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_in_flight_v2
    ON {schema}.workflow_status (queue_name, status, priority, created_at) INCLUDE (application_name)
    WHERE status IN ('ENQUEUED', 'PENDING');
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_partition_dequeue_v3
    ON {schema}.workflow_status (queue_name, status, queue_partition_key, priority, created_at, workflow_uuid) INCLUDE (application_name)
    WHERE status IN ('ENQUEUED', 'PENDING') AND queue_partition_key IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_rate_limited
    ON {schema}.workflow_status (queue_name, started_at_epoch_ms) WHERE rate_limited = true;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_completed_at
    ON {schema}.workflow_status (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_started_at
    ON {schema}.workflow_status (started_at_epoch_ms) WHERE started_at_epoch_ms IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_schedule_name
    ON {schema}.workflow_status (schedule_name) WHERE schedule_name IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_attributes
    ON {schema}.workflow_status USING gin (attributes) WHERE attributes IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_status_deadline
    ON {schema}.workflow_status (workflow_deadline_epoch_ms)
    WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED') AND workflow_deadline_epoch_ms IS NOT NULL;
CREATE INDEX {online} IF NOT EXISTS idx_workflow_input_retention
    ON {schema}.workflow_input (retention_timestamp);
CREATE INDEX {online} IF NOT EXISTS idx_workflow_output_retention
    ON {schema}.workflow_output (retention_timestamp);
CREATE INDEX {online} IF NOT EXISTS idx_operation_outputs_retention
    ON {schema}.operation_outputs (retention_timestamp);
CREATE INDEX {online} IF NOT EXISTS idx_operation_outputs_completed_at_function_name_v2
    ON {schema}.operation_outputs (completed_at_epoch_ms, function_name) INCLUDE (application_name);
CREATE INDEX {online} IF NOT EXISTS idx_workflow_topic
    ON {schema}.notifications (destination_uuid, topic);
CREATE UNIQUE INDEX {online} IF NOT EXISTS uq_application_versions_owner_version
    ON {schema}.application_versions (application_name, version_name) WHERE application_name IS NOT NULL;
CREATE UNIQUE INDEX {online} IF NOT EXISTS uq_application_versions_unclaimed_version
    ON {schema}.application_versions (version_name) WHERE application_name IS NULL;
