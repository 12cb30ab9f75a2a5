using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Parts of claims that read the lines of queues, along <c>idx_fluent_line</c>.</summary>
/// <remarks>
/// The rows of a line are of a few kinds: one version and one workflow's name each. A claim jumps from version to version, in those that it
/// may take from name to name, and reads only those kinds. So its cost follows their number, and what waits for other versions or under
/// other names does not add to it, however much it is.
/// </remarks>
internal static class LineSql
{
    private const string Version = "COALESCE(w.application_version, '') COLLATE \"C\"";

    /// <summary>The order within a line.</summary>
    public const string Place = "priority, created_at, workflow_uuid COLLATE \"C\"";

    /// <summary>
    /// Defines <c>kind</c>, the kinds of rows in each queue of <c>line</c>, without the further names of versions whose rows this engine
    /// does not run, and <c>mine</c>, those that it may run: $5 version, $6 workflow names, <c>latest</c> and <c>kin</c>.
    /// </summary>
    // The walk begins at the kind without version and name, of which there is no row. The first row of a kind shows whether any has a
    // partition, as those come first in the index. In the order of bytes no version stands between one and itself with the first character.
    // Latest and kin are read only where a row asks for them.
    public static string Kinds(SchemaName schema) => $"""
        kind AS (
            SELECT queue_name, ''::text COLLATE "C" AS version, ''::text COLLATE "C" AS name, true AS own, false AS parted FROM line
            UNION ALL
            SELECT kind.queue_name, next.version, next.name,
                   next.version IN ('', $5) OR next.version IN (SELECT application_version FROM kin), next.parted
              FROM kind
             CROSS JOIN LATERAL (
                SELECT {Version} AS version, w.name COLLATE "C" AS name, w.queue_partition_key IS NOT NULL AS parted
                  FROM {schema}.workflow_status AS w
                 WHERE {IsInLine("kind.queue_name")}
                   AND ({Version}, w.name COLLATE "C")
                       > (kind.version || CASE WHEN kind.own THEN '' ELSE chr(1) END, CASE WHEN kind.own THEN kind.name ELSE '' END)
                 ORDER BY {Version}, w.name COLLATE "C", w.queue_partition_key COLLATE "C"
                 LIMIT 1) AS next),
        mine AS MATERIALIZED (
            SELECT queue_name, version, name, count(*) OVER of_queue AS kinds, bool_or(parted) OVER of_queue AS parted
              FROM kind
             WHERE name = ANY ($6::text[])
               AND CASE WHEN version = $5 THEN true
                        WHEN version = '' THEN COALESCE((SELECT version_name FROM latest), $5) = $5
                        ELSE (version, name) IN (SELECT application_version, workflow_name FROM kin) END
            WINDOW of_queue AS (PARTITION BY queue_name))
        """;

    /// <summary>
    /// Defines <c>kind</c>, the first kind of rows in queue $10 and whether it is not the only one, or none that this engine runs without a
    /// look at its <c>kin</c>, or has rows with a partition.
    /// </summary>
    public static string OnlyKind(SchemaName schema) => $"""
        kind AS MATERIALIZED (
            SELECT $10::text AS queue_name, first.version, first.name,
                   first.parted
                   OR (first.name = ANY ($6::text[])
                       AND CASE WHEN first.version = $5 THEN true
                                WHEN first.version = '' THEN COALESCE((SELECT version_name FROM latest), $5) = $5 END) IS NOT TRUE
                   OR EXISTS (
                       SELECT
                         FROM {schema}.workflow_status AS w
                        WHERE {IsInLine("$10")} AND ({Version}, w.name COLLATE "C") > (first.version, first.name)
                        ORDER BY {Version}, w.name COLLATE "C"
                        LIMIT 1) AS others
              FROM room
             CROSS JOIN LATERAL (
                SELECT {Version} AS version, w.name COLLATE "C" AS name, w.queue_partition_key IS NOT NULL AS parted
                  FROM {schema}.workflow_status AS w
                 WHERE {IsInLine("$10")}
                 ORDER BY {Version}, w.name COLLATE "C", w.queue_partition_key COLLATE "C"
                 LIMIT 1) AS first
             WHERE NOT room.partitioned AND room.search > 0)
        """;

    /// <summary>
    /// Defines <c>source</c>, the first rows of each kind that is <c>mine</c> in queues without partitions, and <c>placed</c>, those of
    /// each queue in order as far as it is known: up to where the first of its kinds was not read further. At least twice as many as
    /// wanted are known, or all there are.
    /// </summary>
    /// <param name="schema">Where the tables are.</param>
    /// <param name="wanted">How many rows of a queue are wanted, more than which are read, as peers may hold the first.</param>
    /// <param name="from">What <paramref name="wanted"/> comes from, joined to what follows; empty for nothing.</param>
    /// <param name="when">On which condition the lines are read at all.</param>
    // The kinds share what is read first. Those of which that share stands among the first of all, as of one name that fills the head of
    // the line, are then read as far as is to be known. Rows with a partition in a queue without partitions are left from the time when it
    // had some, or another SDK's. They are read along the index of the whole line, no further than the others of the line go.
    public static string First(SchemaName schema, string wanted, string from, string when) => $"""
        share AS MATERIALIZED (
            SELECT one.*, row_number() OVER (PARTITION BY one.queue_name, one.version, one.name ORDER BY {Place}) = one.most AS ends,
                   row_number() OVER (PARTITION BY one.queue_name ORDER BY {Place}) <= 2 * one.wanted + 8 AS early
              FROM (
                SELECT mine.queue_name, mine.version, mine.name, of_line.*, first.*
                  FROM {from}mine
                 CROSS JOIN LATERAL (
                    SELECT {wanted} AS wanted, GREATEST((4 * {wanted} + 16) / mine.kinds, 16) AS most) AS of_line
                 CROSS JOIN LATERAL ({WithoutPartition(schema, "mine", "of_line.most")}) AS first
                 WHERE {when}) AS one),
        deep AS MATERIALIZED (SELECT queue_name, version, name, 2 * wanted + 8 AS most FROM share WHERE ends AND early),
        unparted AS MATERIALIZED (
            SELECT queue_name, workflow_uuid, priority, created_at, ends
              FROM share
             WHERE (queue_name, version, name) NOT IN (SELECT queue_name, version, name FROM deep)
            UNION ALL
            SELECT deep.queue_name, first.*,
                   row_number() OVER (PARTITION BY deep.queue_name, deep.version, deep.name ORDER BY {PlaceOf("first")}) = deep.most
              FROM deep
             CROSS JOIN LATERAL ({WithoutPartition(schema, "deep", "deep.most")}) AS first),
        source AS MATERIALIZED (
            SELECT * FROM unparted
            UNION ALL
            SELECT parted.queue_name, first.*, row_number() OVER (PARTITION BY parted.queue_name ORDER BY {PlaceOf("first")}) = parted.most
              FROM (
                SELECT DISTINCT mine.queue_name, 4 * {wanted} + 16 AS most
                  FROM {from}mine
                 WHERE mine.parted AND {when}) AS parted
              LEFT JOIN LATERAL (
                SELECT priority, created_at
                  FROM unparted
                 WHERE queue_name = parted.queue_name
                 ORDER BY {Place}
                OFFSET parted.most - 1
                 LIMIT 1) AS furthest ON true
             CROSS JOIN LATERAL (
                SELECT w.workflow_uuid, w.priority, w.created_at
                  FROM {schema}.workflow_status AS w
                 WHERE w.queue_name = parted.queue_name AND w.status = '{WorkflowStates.Enqueued}'
                   AND (w.priority, w.created_at)
                       <= (COALESCE(furthest.priority, {int.MaxValue}), COALESCE(furthest.created_at, {long.MaxValue}))
                   AND w.queue_partition_key IS NOT NULL AND {ClaimSql.IsMine}
                 ORDER BY w.priority, w.created_at
                 LIMIT parted.most) AS first),
        placed AS (
            SELECT queue_name, workflow_uuid, priority, created_at,
                   row_number() OVER (PARTITION BY queue_name ORDER BY {Place}) AS place,
                   COALESCE(
                       sum(ends::int) OVER (
                           PARTITION BY queue_name ORDER BY {Place} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) = 0 AS known
              FROM source)
        """;

    /// <summary>The first rows without a partition of one kind, which comes from a set with its queue, version and name.</summary>
    public static string WithoutPartition(SchemaName schema, string kind, object limit) => $"""

                    SELECT w.workflow_uuid, w.priority, w.created_at
                      FROM {schema}.workflow_status AS w
                     WHERE {IsOfKind(kind)} AND w.queue_partition_key IS NULL AND {ClaimSql.IsMine}
                     ORDER BY w.queue_partition_key COLLATE "C", {PlaceOf("w")}
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
             WHERE {IsOfKind("mine")} AND w.queue_partition_key COLLATE "C" = {partition} AND {ClaimSql.IsMine}
             ORDER BY {PlaceOf("w")}
             LIMIT {limit}
        """;

    /// <summary>The same of a row, where there are others.</summary>
    public static string PlaceOf(string row) => $"{row}.priority, {row}.created_at, {row}.workflow_uuid COLLATE \"C\"";

    private static string IsOfKind(string kind) =>
        $"{IsInLine($"{kind}.queue_name")} AND {Version} = {kind}.version AND w.name COLLATE \"C\" = {kind}.name";

    private static string IsInLine(string queue) =>
        $"w.queue_name COLLATE \"C\" = {queue} AND w.status COLLATE \"C\" = '{WorkflowStates.Enqueued}'";
}
