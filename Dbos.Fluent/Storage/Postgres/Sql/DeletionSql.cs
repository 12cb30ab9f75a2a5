using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that delete workflows, one by one or by age and number, and one that sets their attributes.</summary>
internal sealed class DeletionSql(SchemaName schema)
{
    private const string Ended = $"w.status IN ({WorkflowStates.EndedList})";

    // A workflow that did not end by itself can be resumed where it stopped.
    private const string Final = $"'{WorkflowStates.Success}', '{WorkflowStates.Error}'";

    // Ended workflows without a completion time come from schema levels without a column for it: they have no age.
    private const string ByEnd = $"w.completed_at, {FilterSql.ById}";

    /// <summary>Locks and returns what <see cref="Delete"/> deletes. $1 ids, $2 whether their children too.</summary>
    // A statement of its own, as for a cancel: the next snapshot includes the children that a parent began while its lock was waited for.
    // In id order, so that two such statements never deadlock.
    public string LockTree { get; } = $"""
        WITH RECURSIVE {WorkflowSql.Tree(schema, "$1", "$2")}
        SELECT workflow_uuid
          FROM {schema}.workflow_status
         WHERE workflow_uuid = ANY (ARRAY(SELECT id FROM tree))
         ORDER BY workflow_uuid
           FOR UPDATE
        """;

    /// <summary>$1 ids, each of which is locked. Returns them.</summary>
    // A workflow that is not locked, because it has begun since, could write after the snapshot of this statement. Its rows would then be
    // left to the next workflow with its id.
    public string Delete { get; } = $"""
        WITH doomed AS (SELECT workflow_uuid FROM {schema}.workflow_status WHERE workflow_uuid = ANY ($1::text[])),
        {DeleteDoomed(schema)}
        SELECT workflow_uuid FROM gone
        """;

    /// <summary>$1 now, $2 id, $3 attributes or null.</summary>
    public string SetAttributes { get; } = $"""
        UPDATE {schema}.workflow_status SET attributes = $3, updated_at = {Clock.Now} WHERE workflow_uuid = $2 RETURNING 1
        """;

    /// <summary>Settings for the deletion of a batch.</summary>
    // The next pass repeats a deletion that is lost in a crash, so it need not reach the disk. Lookups that a row might need but hardly
    // ever does make the batch look so costly that the server would compile it, which takes seconds.
    public const string Settings = "SELECT set_config('synchronous_commit', 'off', true), set_config('jit', 'off', true)";

    /// <summary>
    /// The last position, in order of completion, that a policy deletes, as a row; no row if it deletes nothing. With an age limit it
    /// includes everything of that moment: the id is null.
    /// </summary>
    public (string Sql, NpgsqlParameter[] Parameters) ReadBound(RetentionScope scope, NpgsqlParameter now)
    {
        var parameters = new List<NpgsqlParameter> { now };
        var rows = Matching(scope, parameters);
        parameters.Add(Number((long?)scope.Policy.OlderThan?.TotalMilliseconds));
        var age = $"${parameters.Count}::bigint";
        parameters.Add(Number(scope.Policy.KeepNewest));
        var keep = $"${parameters.Count}::bigint";

        var sql = $"""
            SELECT at, id
              FROM (
                SELECT {Clock.Now} - {age} AS at, NULL::text AS id WHERE {age} IS NOT NULL
                UNION ALL
                SELECT * FROM (
                    SELECT w.completed_at, w.workflow_uuid
                      FROM {schema}.workflow_status AS w
                     WHERE {keep} IS NOT NULL AND {rows}
                     ORDER BY w.completed_at DESC, {FilterSql.ById} DESC
                    OFFSET COALESCE({keep}, 0) LIMIT 1) AS kept) AS bounds
             ORDER BY at DESC, id COLLATE "C" DESC NULLS FIRST
             LIMIT 1
            """;
        return (sql, [.. parameters]);
    }

    /// <summary>How many transactions anybody has committed to this database; a session's own count up to a second late.</summary>
    public const string ReadCommits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";

    /// <summary>
    /// Deletes a batch. Returns the position of each deleted row and whether others stayed for it, and as a last row the position at which
    /// it stopped, unless that is the end.
    /// </summary>
    // The locks are the rows' own: a row that is being resumed or rewound is skipped, and a statement that waits for a lock finds nothing.
    // Parents, children and forks are judged as they were when the statement began.
    public (string Sql, NpgsqlParameter[] Parameters) Collect(RetentionRequest request, NpgsqlParameter now)
    {
        var (doomed, parameters) = Doomed(request, now, "FOR UPDATE OF w SKIP LOCKED");
        var sql = $"""
            {doomed},
            {DeleteDoomed(schema)}
            SELECT at, id, ends, frees
              FROM (
                SELECT completed_at AS at, workflow_uuid AS id, false AS ends, frees FROM doomed
                UNION ALL
                SELECT at, id, true, false FROM until) AS places
             ORDER BY ends, at, id COLLATE "C"
            """;
        return (sql, parameters);
    }

    /// <summary>The position of the first row that such a batch deletes.</summary>
    // Without locks: a deletion that was given up may still hold those of its rows.
    public (string Sql, NpgsqlParameter[] Parameters) FindFirst(RetentionRequest request, NpgsqlParameter now)
    {
        var (doomed, parameters) = Doomed(request, now, "");
        return ($"{doomed} SELECT completed_at, workflow_uuid FROM doomed LIMIT 1", parameters);
    }

    private (string Sql, NpgsqlParameter[] Parameters) Doomed(RetentionRequest request, NpgsqlParameter now, string locks)
    {
        var parameters = new List<NpgsqlParameter>
        {
            now, Number(request.Bound.AtMs), Text(request.Bound.Id), Small(request.Limit), Small(request.LookedMax),
        };
        var rows = Matching(request.Scope, parameters);
        if (request.Except.Count > 0)
        {
            parameters.Add(Texts(request.Except));
            rows += $" AND w.workflow_uuid <> ALL (${parameters.Count}::text[])";
        }

        var span = $"w.completed_at <= $2 AND (w.completed_at < $2 OR {FilterSql.ById} <= $3)";
        if (request.After is { } after)
        {
            parameters.AddRange(Number(after.AtMs), Text(after.Id));
            var (at, id) = ($"${parameters.Count - 1}", $"${parameters.Count}");
            span += $" AND w.completed_at >= {at} AND (w.completed_at > {at} OR {FilterSql.ById} > {id})";
        }

        var sql = $"""
            WITH until AS MATERIALIZED (
                SELECT w.completed_at AS at, w.workflow_uuid AS id
                  FROM {schema}.workflow_status AS w
                 WHERE w.completed_at IS NOT NULL AND {span}
                 ORDER BY {ByEnd}
                OFFSET $5 - 1 LIMIT 1),
            doomed AS (
                SELECT w.workflow_uuid, w.completed_at, {KeptOthers} AS frees
                  FROM {schema}.workflow_status AS w
                 WHERE {rows} AND {span}
                   AND w.completed_at <= COALESCE((SELECT at FROM until), $2)
                   AND (w.completed_at < COALESCE((SELECT at FROM until), $2) OR {FilterSql.ById} <= COALESCE((SELECT id FROM until), $3))
                   AND {Unneeded}
                 ORDER BY {ByEnd}
                 LIMIT $4
                   {locks})
            """;
        return (sql, [.. parameters]);
    }

    // A parent that runs on or can be resumed may look at its children, and so may any fork of it, or of its forks, that does. The first of
    // a line of forks and those between stay, so that the line is not lost: a fork that never ran has its origin there. A parent that has
    // continued as new looks only at children of its history and its generation. Cancels and deletes of a tree find its living members
    // through their parents. Who has left memory reads the outcome that it awaits when it is taken up again; it need be nobody's parent for
    // that. A queue's rate is counted from its rows, including ended ones. OFFSET 0 keeps each a lookup: a join would read every unended
    // row. The state is compared as RowState does.
    private string Unneeded { get; } = $"""
        (NOT EXISTS (
                    SELECT FROM {schema}.workflow_status AS parent
                     WHERE parent.workflow_uuid = w.parent_workflow_id AND COALESCE(parent.status, '') NOT IN ({Final}) OFFSET 0)
                    OR ({SideSql.IsOfEndedGeneration(schema)}))
                   AND NOT EXISTS (
                    SELECT FROM {schema}.workflow_status AS child
                     WHERE child.parent_workflow_id = w.workflow_uuid AND COALESCE(child.status, '') IN ({RowState.Unended}) OFFSET 0)
                   AND NOT {SideSql.IsAwaited(schema)}
                   AND (w.parent_workflow_id IS NULL OR NOT {AnyForkGoesOn(schema, "w.parent_workflow_id")})
                   AND ((w.forked_from IS NULL AND NOT w.was_forked_from) OR NOT {AnyForkGoesOn(schema, "w.workflow_uuid")})
                   AND (NOT w.rate_limited OR NOT EXISTS (
                    SELECT FROM {schema}.queues AS q
                     WHERE q.name = w.queue_name AND w.started_at_epoch_ms > {Clock.Now} - {QueueSql.LongestWindow} OFFSET 0))
        """;

    // The depth is limited because ids that are deleted and reused can make two workflows each other's fork. UNION would end there by
    // itself, but allocates a table for all the forks that the statistics expect: tens of megabytes for each batch.
    private static string AnyForkGoesOn(SchemaName schema, string of) => $"""
        EXISTS (
                    WITH RECURSIVE fork AS (
                        SELECT f.workflow_uuid, f.status, 0 AS depth FROM {schema}.workflow_status AS f WHERE f.forked_from = {of}
                        UNION ALL
                        SELECT next.workflow_uuid, next.status, fork.depth + 1
                          FROM fork
                         CROSS JOIN LATERAL (
                            SELECT f.workflow_uuid, f.status
                              FROM {schema}.workflow_status AS f
                             WHERE f.forked_from = fork.workflow_uuid OFFSET 0) AS next
                         WHERE fork.depth < 1000)
                    SELECT FROM fork WHERE COALESCE(fork.status, '') NOT IN ({Final}) OFFSET 0)
        """;

    // Whether deleting a resumable row frees rows that were looked at before it, in order of completion.
    private string KeptOthers { get; } = $"""
        w.status NOT IN ({Final})
                       AND (w.forked_from IS NOT NULL OR EXISTS (
                        SELECT FROM {schema}.workflow_status AS child WHERE child.parent_workflow_id = w.workflow_uuid OFFSET 0))
        """;

    private static string Matching(RetentionScope scope, List<NpgsqlParameter> parameters)
    {
        var states = scope.Policy.States;
        var conditions = new List<string>
        {
            states is null ? Ended : $"w.status IN ({string.Join(", ", states.Select(state => $"'{state.ToStored()}'"))})",
            "w.completed_at IS NOT NULL",
        };
        if (scope.ApplicationName is { } application)
        {
            parameters.Add(Text(application));
            conditions.Add($"(w.application_name = ${parameters.Count} OR w.application_name IS NULL)");
        }

        if (scope.Policy.Name is { } name)
        {
            parameters.Add(Text(name));
            conditions.Add($"w.name = ${parameters.Count}");
        }

        return string.Join(" AND ", conditions);
    }

    // Rows with a foreign key to the workflow are deleted by cascade; these three tables have none.
    private static string DeleteDoomed(SchemaName schema) => $"""
        ids AS MATERIALIZED (SELECT array_agg(workflow_uuid) AS every FROM doomed),
            inputs AS (DELETE FROM {schema}.workflow_input WHERE workflow_uuid = ANY ((SELECT every FROM ids)::text[])),
            outputs AS (DELETE FROM {schema}.workflow_output WHERE workflow_uuid = ANY ((SELECT every FROM ids)::text[])),
            steps AS (DELETE FROM {schema}.operation_outputs WHERE workflow_uuid = ANY ((SELECT every FROM ids)::text[])),
            gone AS (
                DELETE FROM {schema}.workflow_status WHERE workflow_uuid = ANY ((SELECT every FROM ids)::text[])
                RETURNING workflow_uuid)
        """;
}
