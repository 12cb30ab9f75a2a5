-- What DBOS has no tables for: which code each version of an application has of each workflow, and how often a workflow has continued as
-- new. No semicolon stands inside a comment or a statement: the statements are told apart by it.

CREATE TABLE IF NOT EXISTS fluent_versions (
    application_name TEXT NOT NULL,
    application_version TEXT NOT NULL,
    workflow_name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (application_name, application_version, workflow_name)
) WITHOUT ROWID;

-- Which other versions have the same code of a workflow.
CREATE INDEX IF NOT EXISTS idx_fluent_versions_code ON fluent_versions (application_name, workflow_name, fingerprint);

-- A workflow without a row is in its first generation, number 0.
CREATE TABLE IF NOT EXISTS fluent_generations (
    workflow_uuid TEXT NOT NULL PRIMARY KEY REFERENCES workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE,
    generation INTEGER NOT NULL
) WITHOUT ROWID;
