-- The tables of the DBOS system database as every SDK leaves them at level 123.
--
-- Each statement states what must be there and does nothing where it is, so one script serves an empty database and one that another
-- SDK left at an older level, whatever path it took. Missing columns have defaults that rewrite no table, so the locks are short. Indexes follow in 123_dbos_indexes.sql, which can run without holding up writers.

CREATE TABLE IF NOT EXISTS {schema}.workflow_status (
    workflow_uuid text PRIMARY KEY,
    status text,
    name text,
    authenticated_user text,
    assumed_role text,
    authenticated_roles text,
    request text,
    output text,
    error text,
    executor_id text,
    created_at bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    updated_at bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    application_version text,
    application_id text,
    class_name varchar(255) DEFAULT NULL,
    config_name varchar(255) DEFAULT NULL,
    recovery_attempts bigint DEFAULT 0,
    queue_name text,
    workflow_timeout_ms bigint,
    workflow_deadline_epoch_ms bigint,
    inputs text,
    started_at_epoch_ms bigint,
    deduplication_id text,
    priority integer NOT NULL DEFAULT 0,
    queue_partition_key text,
    forked_from text,
    owner_xid text,
    parent_workflow_id text,
    serialization text,
    delay_until_epoch_ms bigint,
    was_forked_from boolean NOT NULL DEFAULT false,
    rate_limited boolean NOT NULL DEFAULT false,
    completed_at bigint,
    attributes jsonb,
    schedule_name text,
    debounce_deadline_epoch_ms bigint,
    is_debounced boolean NOT NULL DEFAULT false,
    application_name text,
    creator_xid text
);

ALTER TABLE {schema}.workflow_status
    ADD COLUMN IF NOT EXISTS created_at bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    ADD COLUMN IF NOT EXISTS updated_at bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    ADD COLUMN IF NOT EXISTS application_version text,
    ADD COLUMN IF NOT EXISTS application_id text,
    ADD COLUMN IF NOT EXISTS class_name varchar(255) DEFAULT NULL,
    ADD COLUMN IF NOT EXISTS config_name varchar(255) DEFAULT NULL,
    ADD COLUMN IF NOT EXISTS recovery_attempts bigint DEFAULT 0,
    ADD COLUMN IF NOT EXISTS queue_name text,
    ADD COLUMN IF NOT EXISTS workflow_timeout_ms bigint,
    ADD COLUMN IF NOT EXISTS workflow_deadline_epoch_ms bigint,
    ADD COLUMN IF NOT EXISTS inputs text,
    ADD COLUMN IF NOT EXISTS started_at_epoch_ms bigint,
    ADD COLUMN IF NOT EXISTS deduplication_id text,
    ADD COLUMN IF NOT EXISTS priority integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS queue_partition_key text,
    ADD COLUMN IF NOT EXISTS forked_from text,
    ADD COLUMN IF NOT EXISTS owner_xid text,
    ADD COLUMN IF NOT EXISTS parent_workflow_id text,
    ADD COLUMN IF NOT EXISTS serialization text,
    ADD COLUMN IF NOT EXISTS delay_until_epoch_ms bigint,
    ADD COLUMN IF NOT EXISTS was_forked_from boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS rate_limited boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS completed_at bigint,
    ADD COLUMN IF NOT EXISTS attributes jsonb,
    ADD COLUMN IF NOT EXISTS schedule_name text,
    ADD COLUMN IF NOT EXISTS debounce_deadline_epoch_ms bigint,
    ADD COLUMN IF NOT EXISTS is_debounced boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS application_name text,
    ADD COLUMN IF NOT EXISTS creator_xid text;

CREATE TABLE IF NOT EXISTS {schema}.workflow_input (
    workflow_uuid text PRIMARY KEY,
    inputs text,
    retention_timestamp bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint
);

CREATE TABLE IF NOT EXISTS {schema}.workflow_output (
    workflow_uuid text PRIMARY KEY,
    output text,
    error text,
    retention_timestamp bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint
);

CREATE TABLE IF NOT EXISTS {schema}.operation_outputs (
    workflow_uuid text NOT NULL,
    function_id integer NOT NULL,
    function_name text NOT NULL DEFAULT '',
    output text,
    error text,
    child_workflow_id text,
    started_at_epoch_ms bigint,
    completed_at_epoch_ms bigint,
    serialization text,
    application_name text,
    retention_timestamp bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    PRIMARY KEY (workflow_uuid, function_id)
);

ALTER TABLE {schema}.operation_outputs
    ADD COLUMN IF NOT EXISTS function_name text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS child_workflow_id text,
    ADD COLUMN IF NOT EXISTS started_at_epoch_ms bigint,
    ADD COLUMN IF NOT EXISTS completed_at_epoch_ms bigint,
    ADD COLUMN IF NOT EXISTS serialization text,
    ADD COLUMN IF NOT EXISTS application_name text,
    ADD COLUMN IF NOT EXISTS retention_timestamp bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    DROP CONSTRAINT IF EXISTS operation_outputs_workflow_uuid_foreign,
    DROP CONSTRAINT IF EXISTS operation_outputs_workflow_uuid_fkey;

CREATE TABLE IF NOT EXISTS {schema}.notifications (
    message_uuid text PRIMARY KEY DEFAULT gen_random_uuid(),
    destination_uuid text NOT NULL
        REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    topic text,
    message text NOT NULL,
    created_at_epoch_ms bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    serialization text,
    consumed boolean NOT NULL DEFAULT false,
    consumed_by_function_id integer
);

ALTER TABLE {schema}.notifications
    ADD COLUMN IF NOT EXISTS message_uuid text NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN IF NOT EXISTS serialization text,
    ADD COLUMN IF NOT EXISTS consumed boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS consumed_by_function_id integer;

CREATE TABLE IF NOT EXISTS {schema}.workflow_events (
    workflow_uuid text NOT NULL
        REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    key text NOT NULL,
    value text NOT NULL,
    serialization text,
    PRIMARY KEY (workflow_uuid, key)
);

ALTER TABLE {schema}.workflow_events
    ADD COLUMN IF NOT EXISTS serialization text;

CREATE TABLE IF NOT EXISTS {schema}.workflow_events_history (
    workflow_uuid text NOT NULL
        REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    function_id integer NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    serialization text,
    PRIMARY KEY (workflow_uuid, function_id, key)
);

ALTER TABLE {schema}.workflow_events_history
    ADD COLUMN IF NOT EXISTS serialization text;

CREATE TABLE IF NOT EXISTS {schema}.streams (
    workflow_uuid text NOT NULL
        REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    key text NOT NULL,
    value text NOT NULL,
    "offset" integer NOT NULL,
    function_id integer NOT NULL DEFAULT 0,
    serialization text,
    PRIMARY KEY (workflow_uuid, key, "offset")
);

ALTER TABLE {schema}.streams
    ADD COLUMN IF NOT EXISTS function_id integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS serialization text;

CREATE TABLE IF NOT EXISTS {schema}.workflow_schedules (
    schedule_id text PRIMARY KEY,
    schedule_name text NOT NULL UNIQUE,
    workflow_name text NOT NULL,
    workflow_class_name text,
    schedule text NOT NULL,
    status text NOT NULL DEFAULT 'ACTIVE',
    context text NOT NULL,
    last_fired_at text,
    automatic_backfill boolean NOT NULL DEFAULT false,
    cron_timezone text,
    queue_name text,
    application_name text
);

ALTER TABLE {schema}.workflow_schedules
    ADD COLUMN IF NOT EXISTS last_fired_at text,
    ADD COLUMN IF NOT EXISTS automatic_backfill boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS cron_timezone text,
    ADD COLUMN IF NOT EXISTS queue_name text,
    ADD COLUMN IF NOT EXISTS application_name text;

CREATE TABLE IF NOT EXISTS {schema}.application_versions (
    version_id text PRIMARY KEY,
    version_name text NOT NULL UNIQUE,
    version_timestamp bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    created_at bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    application_name text
);

ALTER TABLE {schema}.application_versions
    ADD COLUMN IF NOT EXISTS application_name text;

CREATE TABLE IF NOT EXISTS {schema}.queues (
    queue_id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    name text NOT NULL UNIQUE,
    concurrency integer,
    worker_concurrency integer,
    rate_limit_max integer,
    rate_limit_period_sec double precision,
    priority_enabled boolean NOT NULL DEFAULT false,
    partition_queue boolean NOT NULL DEFAULT false,
    polling_interval_sec double precision NOT NULL DEFAULT 1.0,
    created_at bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    updated_at bigint NOT NULL DEFAULT (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
    application_name text,
    partition_concurrency integer,
    partition_worker_concurrency integer,
    partition_rate_limit_max integer,
    partition_rate_limit_period_sec double precision
);

ALTER TABLE {schema}.queues
    ADD COLUMN IF NOT EXISTS application_name text,
    ADD COLUMN IF NOT EXISTS partition_concurrency integer,
    ADD COLUMN IF NOT EXISTS partition_worker_concurrency integer,
    ADD COLUMN IF NOT EXISTS partition_rate_limit_max integer,
    ADD COLUMN IF NOT EXISTS partition_rate_limit_period_sec double precision;

CREATE TABLE IF NOT EXISTS {schema}.event_dispatch_kv (
    service_name text NOT NULL,
    workflow_fn_name text NOT NULL,
    key text NOT NULL,
    value text,
    update_seq numeric(38, 0),
    update_time numeric(38, 15),
    PRIMARY KEY (service_name, workflow_fn_name, key)
);

-- Old levels kept inputs, queues and schedules in tables whose work others have taken over, and announced from triggers.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM information_schema.columns
         WHERE table_schema = {schema_text} AND table_name = 'workflow_inputs' AND column_name = 'inputs') THEN
        UPDATE {schema}.workflow_status AS w SET inputs = i.inputs
          FROM {schema}.workflow_inputs AS i
         WHERE i.workflow_uuid = w.workflow_uuid AND w.inputs IS NULL;
    END IF;
END $$;
DROP TABLE IF EXISTS {schema}.workflow_inputs;
DROP TABLE IF EXISTS {schema}.workflow_queue;
DROP TABLE IF EXISTS {schema}.scheduler_state;
DROP TRIGGER IF EXISTS dbos_workflow_events_trigger ON {schema}.workflow_events;
DROP FUNCTION IF EXISTS {schema}.workflow_events_function();
DROP TRIGGER IF EXISTS dbos_streams_trigger ON {schema}.streams;
DROP FUNCTION IF EXISTS {schema}.streams_function();

-- Very old levels have tables without keys; and an overload of enqueue_workflow with fewer parameters would make every call ambiguous.
DO $$
DECLARE
    overload regprocedure;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conrelid = format('%I.notifications', {schema_text})::regclass AND contype = 'p') THEN
        ALTER TABLE {schema}.notifications ADD CONSTRAINT notifications_pkey PRIMARY KEY (message_uuid);
    END IF;

    IF NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conrelid = format('%I.notifications', {schema_text})::regclass AND contype = 'f') THEN
        ALTER TABLE {schema}.notifications ADD CONSTRAINT notifications_destination_uuid_fkey FOREIGN KEY (destination_uuid)
            REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;
    END IF;

    IF NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conrelid = format('%I.workflow_events', {schema_text})::regclass AND contype = 'f') THEN
        ALTER TABLE {schema}.workflow_events ADD CONSTRAINT workflow_events_workflow_uuid_fkey FOREIGN KEY (workflow_uuid)
            REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;
    END IF;

    FOR overload IN
        SELECT oid::regprocedure FROM pg_proc
         WHERE pronamespace = to_regnamespace(quote_ident({schema_text})) AND proname = 'enqueue_workflow' AND pronargs <> 17
    LOOP
        EXECUTE 'DROP FUNCTION ' || overload;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.notifications_function() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('dbos_notifications_channel', concat(NEW.destination_uuid, '::', NEW.topic));
    RETURN NEW;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = format('%I.notifications', {schema_text})::regclass AND tgname = 'dbos_notifications_trigger') THEN
        CREATE TRIGGER dbos_notifications_trigger AFTER INSERT ON {schema}.notifications
            FOR EACH ROW EXECUTE FUNCTION {schema}.notifications_function();
    END IF;
END
$$;

-- For programs without an SDK: enqueues a workflow with portable arguments.
CREATE OR REPLACE FUNCTION {schema}.enqueue_workflow(
    workflow_name text,
    queue_name text,
    positional_args json[] DEFAULT ARRAY[]::json[],
    named_args json DEFAULT '{}'::json,
    class_name text DEFAULT NULL,
    config_name text DEFAULT NULL,
    workflow_id text DEFAULT NULL,
    app_version text DEFAULT NULL,
    timeout_ms bigint DEFAULT NULL,
    deadline_epoch_ms bigint DEFAULT NULL,
    deduplication_id text DEFAULT NULL,
    priority integer DEFAULT NULL,
    queue_partition_key text DEFAULT NULL,
    authenticated_user text DEFAULT NULL,
    authenticated_roles text DEFAULT NULL,
    delay_until_epoch_ms bigint DEFAULT NULL,
    application_name text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new_id text := COALESCE(workflow_id, gen_random_uuid()::text);
    now_ms bigint := EXTRACT(epoch FROM now()) * 1000;
BEGIN
    IF COALESCE(workflow_name, '') = '' OR COALESCE(queue_name, '') = '' OR workflow_id = '' THEN
        RAISE EXCEPTION 'A workflow is enqueued by a name, on a queue, under an id or none: none of them may be blank';
    ELSIF json_typeof(named_args) <> 'object' THEN
        RAISE EXCEPTION 'named_args must be a JSON object, not a JSON %', json_typeof(named_args);
    ELSIF delay_until_epoch_ms < 0 THEN
        RAISE EXCEPTION 'delay_until_epoch_ms must not be negative: %', delay_until_epoch_ms;
    END IF;

    INSERT INTO {schema}.workflow_status (
        workflow_uuid, name, class_name, config_name, status, queue_name, priority, deduplication_id, queue_partition_key,
        application_name, application_version, workflow_timeout_ms, workflow_deadline_epoch_ms, delay_until_epoch_ms,
        authenticated_user, authenticated_roles, serialization, recovery_attempts, created_at, updated_at, owner_xid)
    VALUES (
        new_id, workflow_name, class_name, config_name, CASE WHEN delay_until_epoch_ms IS NULL THEN 'ENQUEUED' ELSE 'DELAYED' END,
        queue_name, COALESCE(priority, 0), deduplication_id, queue_partition_key,
        application_name, app_version, timeout_ms, deadline_epoch_ms, delay_until_epoch_ms,
        authenticated_user, authenticated_roles, 'portable_json', 0, now_ms, now_ms, gen_random_uuid()::text)
    ON CONFLICT (workflow_uuid) DO UPDATE SET updated_at = now_ms;

    INSERT INTO {schema}.workflow_input (workflow_uuid, inputs, retention_timestamp)
    VALUES (new_id, json_build_object('positionalArgs', positional_args, 'namedArgs', named_args), now_ms)
    ON CONFLICT (workflow_uuid) DO NOTHING;

    RETURN new_id;
EXCEPTION
    WHEN unique_violation THEN
        RAISE unique_violation USING
            MESSAGE = 'DBOS queue duplicated',
            DETAIL = format('Queue %s already has a workflow with deduplication id %s; %s was not enqueued', queue_name, deduplication_id, new_id);
END
$$;

-- For programs without an SDK: sends a portable message to a workflow.
CREATE OR REPLACE FUNCTION {schema}.send_message(
    destination_id text, message json, topic text DEFAULT NULL, message_id text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO {schema}.notifications (message_uuid, destination_uuid, topic, message, serialization)
    VALUES (COALESCE(message_id, gen_random_uuid()::text), destination_id, COALESCE(topic, '__null__topic__'), message, 'portable_json')
    ON CONFLICT (message_uuid) DO NOTHING;
EXCEPTION
    WHEN foreign_key_violation THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'DBOS non-existent workflow',
            DETAIL = format('No workflow has the id %s', destination_id);
END
$$;
