using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Parts of claims that read the lines of queues, along <c>idx_fluent_line</c>.</summary>
/// <remarks>
/// The rows of a line are of a few kinds: one version and one workflow's name each. A claim jumps from kind to kind, and reads only those
/// that it may take. So what waits for other versions or other programs costs a claim nothing, however much it is.
/// </remarks>
internal static class LineSql
{
    private const string Version = "COALESCE(w.application_version, '') COLLATE \"C\"";

    /// <summary>The order within a line.</summary>
    public const string Place = "priority, created_at, workflow_uuid COLLATE \"C\"";

    private const string OrderOfRow = "w.priority, w.created_at, w.workflow_uuid COLLATE \"C\"";

    /// <summary>
    /// Defines <c>kind</c>, the kinds of rows in each queue of <c>line</c>, and <c>mine</c>, those that this engine may run: $5 version,
    /// $6 workflow names, <c>latest</c> and <c>kin</c>.
    /// </summary>
    public static string Kinds(SchemaName schema) => $"""
        kind AS (
            SELECT line.queue_name, first.version, first.name
              FROM line
             CROSS JOIN LATERAL ({NextKind(schema, "line.queue_name", "")}) AS first
            UNION ALL
            SELECT kind.queue_name, next.version, next.name
              FROM kind
             CROSS JOIN LATERAL (
                {NextKind(schema, "kind.queue_name", $"AND ({Version}, w.name COLLATE \"C\") > (kind.version, kind.name)")}) AS next),
        mine AS MATERIALIZED (
            SELECT kind.*, count(*) OVER (PARTITION BY queue_name) AS kinds
              FROM kind
             WHERE name = ANY ($6::text[])
               AND (version = $5
                    OR (version = '' AND COALESCE((SELECT version_name FROM latest), $5) = $5)
                    OR (version, name) IN (SELECT application_version, workflow_name FROM kin)))
        """;

    /// <summary>
    /// Defines <c>source</c>, the first rows without a partition of each kind that is <c>mine</c>, and <c>placed</c>, those of each queue
    /// in order as far as it is known: up to where the first of its kinds was not read further.
    /// </summary>
    /// <param name="schema">Where the tables are.</param>
    /// <param name="wanted">How many rows of a queue are wanted, more than which is read, as peers may hold the first.</param>
    /// <param name="from">What <paramref name="wanted"/> comes from, joined to what follows; empty for nothing.</param>
    /// <param name="when">On which condition the lines are read at all.</param>
    // The kinds share what is read: with many of them the order is known less far, and the claim after this one goes on. Rows with a
    // partition in a queue without partitions are left from the time when it had some, or another SDK's; they are rare, and read along the
    // index of the whole line, in which the rows of others lie between them.
    public static string First(SchemaName schema, string wanted, string from, string when) => $"""
        source AS MATERIALIZED (
            SELECT one.*, row_number() OVER (PARTITION BY one.queue_name, one.version, one.name ORDER BY {Place}) = one.most AS ends
              FROM (
                SELECT mine.queue_name, mine.version, mine.name, most, first.*
                  FROM {from}mine
                 CROSS JOIN LATERAL (SELECT GREATEST((4 * {wanted} + 16) / mine.kinds, 16) AS most) AS share
                 CROSS JOIN LATERAL ({WithoutPartition(schema, "most")}) AS first
                 WHERE {when}
                UNION ALL
                SELECT parted.queue_name, NULL, NULL, 4 * {wanted} + 16, first.*
                  FROM {from}(
                    SELECT DISTINCT mine.queue_name
                      FROM mine
                     CROSS JOIN LATERAL (
                        SELECT 1
                          FROM {schema}.workflow_status AS w
                         WHERE {IsOfKind("mine.queue_name")} AND w.queue_partition_key IS NOT NULL
                         LIMIT 1) AS one) AS parted
                 CROSS JOIN LATERAL (
                    SELECT w.workflow_uuid, w.priority, w.created_at
                      FROM {schema}.workflow_status AS w
                     WHERE w.queue_name = parted.queue_name AND w.status = '{WorkflowStates.Enqueued}'
                       AND w.queue_partition_key IS NOT NULL AND {ClaimSql.IsMine}
                     ORDER BY w.priority, w.created_at
                     LIMIT 4 * {wanted} + 16) AS first
                 WHERE {when}) AS one),
        placed AS (
            SELECT queue_name, workflow_uuid, priority, created_at,
                   row_number() OVER (PARTITION BY queue_name ORDER BY {Place}) AS place,
                   COALESCE(
                       sum(ends::int) OVER (
                           PARTITION BY queue_name ORDER BY {Place} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) = 0 AS known
              FROM source)
        """;

    /// <summary>The first rows without a partition of one kind that is <c>mine</c>.</summary>
    public static string WithoutPartition(SchemaName schema, object limit) => $"""

                    SELECT w.workflow_uuid, w.priority, w.created_at
                      FROM {schema}.workflow_status AS w
                     WHERE {IsOfKind("mine.queue_name")} AND w.queue_partition_key IS NULL AND {ClaimSql.IsMine}
                     ORDER BY w.queue_partition_key COLLATE "C", {OrderOfRow}
                     LIMIT {limit}
        """;

    /// <summary>The first row of a partition of queue $10 that is <c>mine</c>.</summary>
    public static string HeadOfPartition(SchemaName schema, string partition) => $"""
        SELECT true
          FROM mine
         CROSS JOIN LATERAL ({OfPartition(schema, partition, "1")}) AS first
         LIMIT 1
        """;

    /// <summary>The first rows of a partition of queue $10 that are <c>mine</c>.</summary>
    public static string FirstOfPartition(SchemaName schema, string partition, string limit) => $"""
        SELECT first.*
          FROM mine
         CROSS JOIN LATERAL ({OfPartition(schema, partition, limit)}) AS first
         ORDER BY {Place}
         LIMIT {limit}
        """;

    private static string OfPartition(SchemaName schema, string partition, string limit) => $"""

            SELECT w.workflow_uuid, w.queue_name, w.priority, w.created_at
              FROM {schema}.workflow_status AS w
             WHERE {IsOfKind("$10")} AND w.queue_partition_key COLLATE "C" = {partition} AND {ClaimSql.IsMine}
             ORDER BY {OrderOfRow}
             LIMIT {limit}
        """;

    private static string NextKind(SchemaName schema, string queue, string behind) => $"""

                SELECT {Version} AS version, w.name COLLATE "C" AS name
                  FROM {schema}.workflow_status AS w
                 WHERE {IsInLine(queue)} {behind}
                 ORDER BY {Version}, w.name COLLATE "C"
                 LIMIT 1
        """;

    private static string IsOfKind(string queue) =>
        $"{IsInLine(queue)} AND {Version} = mine.version AND w.name COLLATE \"C\" = mine.name";

    private static string IsInLine(string queue) =>
        $"w.queue_name COLLATE \"C\" = {queue} AND w.status COLLATE \"C\" = '{WorkflowStates.Enqueued}'";
}
