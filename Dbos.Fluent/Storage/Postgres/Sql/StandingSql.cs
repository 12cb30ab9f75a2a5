using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that find out, in a new snapshot, why units of a commit were not written.</summary>
/// <remarks>They look rows up by key, each limited to its one row, so that a planner does not join with the whole table.</remarks>
internal sealed class StandingSql(SchemaName schema)
{
    /// <summary>
    /// For starts: the row under the id, the holder of the deduplication id, whether the parent and the row itself are still owned, and who
    /// started the row.
    /// </summary>
    public string ReadStarts { get; } = $"""
        SELECT s.ord,
               COALESCE(w.creator_xid = s.token, false), w.name, w.status, w.created_at, w.workflow_deadline_epoch_ms,
               d.workflow_uuid, d.name, d.status,
               COALESCE(p.owner_xid = s.guard_token, false),
               COALESCE(w.owner_xid = s.token, false), w.parent_workflow_id
          FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            AS s(ord, id, token, queue, dedup, guard, guard_token)
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = s.id LIMIT 1) AS w ON true
          LEFT JOIN LATERAL (
            SELECT * FROM {schema}.workflow_status WHERE queue_name = s.queue AND deduplication_id = s.dedup LIMIT 1) AS d ON true
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = s.guard LIMIT 1) AS p ON true
        """;

    /// <summary>For checkpoints: whether the workflow is still owned, and how many of its rows are stored as given.</summary>
    public string ReadCheckpoints { get; } = $"""
        SELECT u.ord,
               COALESCE((SELECT owner_xid = u.token FROM {schema}.workflow_status WHERE workflow_uuid = u.id), false),
               COALESCE(stands.count, 0)
          FROM unnest($1::int[], $2::text[], $3::text[]) AS u(ord, id, token)
          LEFT JOIN (
            SELECT r.ord, count(*) AS count
              FROM unnest($4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[],
                          $13::text[])
                AS r(ord, seq, step, output, error, format, child, started, completed, id)
             CROSS JOIN LATERAL (
                SELECT * FROM {schema}.operation_outputs WHERE workflow_uuid = r.id AND function_id = r.seq LIMIT 1) AS c
             WHERE (c.function_name, c.output, c.error, c.child_workflow_id, c.started_at_epoch_ms, c.completed_at_epoch_ms)
                   IS NOT DISTINCT FROM (r.step, r.output, r.error, r.child, r.started, r.completed)
             GROUP BY r.ord) AS stands ON stands.ord = u.ord
        """;

    /// <summary>
    /// For a unit with a statement of its own: whether the workflow is still owned, whether its first row is stored and with what output,
    /// and whether it is parked by this token. $1 workflow, $2 token, $3 sequence, $4 name, $5 started, $6 completed.
    /// </summary>
    public string ReadSingle { get; } = $"""
        SELECT COALESCE(w.owner_xid = $2, false), COALESCE(c.stands, false), c.output, c.serialization,
               COALESCE(w.status = '{WorkflowStates.Delayed}' AND f.waits, false)
          FROM (SELECT 1) AS one
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = $1 LIMIT 1) AS w ON true
          LEFT JOIN LATERAL (
            SELECT true AS stands, output, serialization
              FROM {schema}.operation_outputs
             WHERE workflow_uuid = $1 AND function_id = $3
               AND (function_name, started_at_epoch_ms, completed_at_epoch_ms) IS NOT DISTINCT FROM ($4, $5, $6)
             LIMIT 1) AS c ON true
          LEFT JOIN LATERAL (
            SELECT true AS waits FROM {schema}.fluent_waits WHERE workflow_uuid = $1 AND token = $2 LIMIT 1) AS f ON true
        """;

    /// <summary>
    /// For a workflow that continues as new: whether it is still owned, whether it has done so, and its deadline. $1 workflow, $2 token,
    /// $3 the next token, which only this step can have set.
    /// </summary>
    public string ReadContinued { get; } = $"""
        SELECT COALESCE(w.owner_xid = $2, false), COALESCE(w.owner_xid = $3, false), w.workflow_deadline_epoch_ms
          FROM (SELECT 1) AS one
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = $1 LIMIT 1) AS w ON true
        """;

    /// <summary>For a debounced workflow, see <see cref="DebounceSql.ReadStanding"/>.</summary>
    public string ReadDebounce { get; } = DebounceSql.ReadStanding(schema);

    /// <summary>For outcomes: whether the workflow is still owned, and whether it has ended with this outcome.</summary>
    public string ReadOutcomes { get; } = $"""
        SELECT o.ord,
               COALESCE(w.owner_xid = o.token, false),
               COALESCE(w.status = o.state AND (r.output, r.error) IS NOT DISTINCT FROM (o.output, o.error), false)
          FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS o(ord, id, token, state, output, error)
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = o.id LIMIT 1) AS w ON true
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_output WHERE workflow_uuid = o.id LIMIT 1) AS r ON true
        """;
}
