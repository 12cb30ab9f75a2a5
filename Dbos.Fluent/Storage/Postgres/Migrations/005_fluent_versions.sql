-- What DBOS has no tables for: which code each version of an application has of each workflow, and how often a workflow has continued as
-- new. Both tables are new; making them locks workflow_status against writers for the moment that a foreign key takes.

CREATE TABLE IF NOT EXISTS {schema}.fluent_versions (
    application_name text NOT NULL,
    application_version text NOT NULL,
    workflow_name text NOT NULL,
    fingerprint text NOT NULL,
    PRIMARY KEY (application_name, application_version, workflow_name)
);

-- Which other versions have the same code of a workflow.
CREATE INDEX IF NOT EXISTS idx_fluent_versions_code ON {schema}.fluent_versions (application_name, workflow_name, fingerprint);

-- A workflow without a row is in its first generation, number 0.
CREATE TABLE IF NOT EXISTS {schema}.fluent_generations (
    workflow_uuid text PRIMARY KEY REFERENCES {schema}.workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    generation integer NOT NULL
);
