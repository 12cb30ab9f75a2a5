-- Our indexes for lists of workflows, one statement after another; {online} as in 123_dbos_indexes.sql. Without them a list by what few
-- workflows have in common reads all others on its way. What they cost: each version of a row that an index holds is one entry of its own,
-- some 120 bytes of log; a workflow that is started and ends has two versions, one that waits in a queue three. All are in the order of
-- bytes and under a condition that only lists repeat: a claim whose plan was made while the table was empty could take one for its own.

-- By name: of every workflow.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_name
    ON {schema}.workflow_status (name COLLATE "C", created_at) WHERE name COLLATE "C" > '';

-- By version: of every workflow, from its first run on.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_version
    ON {schema}.workflow_status (application_version COLLATE "C", created_at) WHERE application_version COLLATE "C" > '';

-- By the beginning of the id: of every workflow. The order of the primary key is the database's, in which a beginning may be no range.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_id_prefix
    ON {schema}.workflow_status (workflow_uuid COLLATE "C") WHERE workflow_uuid COLLATE "C" > '';

-- By queue: only of those that are or were in one. Those of DBOS forget a workflow that has ended.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_queue
    ON {schema}.workflow_status (queue_name COLLATE "C", created_at) WHERE queue_name COLLATE "C" > '';

-- By state, of those that wait: one entry when a workflow is enqueued, none when it is started directly. Other states have indexes of DBOS.
CREATE INDEX {online} IF NOT EXISTS idx_fluent_waiting
    ON {schema}.workflow_status (status COLLATE "C", created_at) WHERE status COLLATE "C" IN ('ENQUEUED', 'DELAYED');
