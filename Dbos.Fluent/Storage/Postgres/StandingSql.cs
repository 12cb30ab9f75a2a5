namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that find out, in a new snapshot, why units of a commit were not written.</summary>
internal sealed class StandingSql(SchemaName schema)
{
    /// <summary>For starts: the row under the id, the holder of the deduplication id, and whether the parent is still owned.</summary>
    public string ReadStarts { get; } = $"""
        SELECT s.ord,
               COALESCE(w.creator_xid = s.token, false), w.name, w.status, w.created_at, w.workflow_deadline_epoch_ms,
               d.workflow_uuid, d.name, d.status,
               COALESCE(p.owner_xid = s.guard_token, false)
          FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            AS s(ord, id, token, queue, dedup, guard, guard_token)
          LEFT JOIN {schema}.workflow_status AS w ON w.workflow_uuid = s.id
          LEFT JOIN {schema}.workflow_status AS d
            ON d.queue_name = s.queue AND d.deduplication_id = s.dedup AND d.deduplication_id IS NOT NULL
          LEFT JOIN {schema}.workflow_status AS p ON p.workflow_uuid = s.guard
        """;

    /// <summary>For checkpoints: whether the workflow is still owned, and how many of the unit's rows stand exactly as they would be written.</summary>
    public string ReadCheckpoints { get; } = $"""
        SELECT u.ord,
               COALESCE(w.owner_xid = u.token, false),
               (SELECT count(*)
                  FROM unnest($4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[])
                    AS r(ord, seq, step, output, error, format, child, started, completed)
                  JOIN {schema}.operation_outputs AS c ON c.workflow_uuid = u.id AND c.function_id = r.seq
                 WHERE r.ord = u.ord
                   AND (c.function_name, c.output, c.error, c.child_workflow_id, c.started_at_epoch_ms, c.completed_at_epoch_ms)
                       IS NOT DISTINCT FROM (r.step, r.output, r.error, r.child, r.started, r.completed))
          FROM unnest($1::int[], $2::text[], $3::text[]) AS u(ord, id, token)
          LEFT JOIN {schema}.workflow_status AS w ON w.workflow_uuid = u.id
        """;

    /// <summary>For outcomes: whether the workflow is still owned, and whether it has ended exactly as it would be ended.</summary>
    public string ReadOutcomes { get; } = $"""
        SELECT o.ord,
               COALESCE(w.owner_xid = o.token, false),
               COALESCE(w.status = o.state AND (r.output, r.error) IS NOT DISTINCT FROM (o.output, o.error), false)
          FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS o(ord, id, token, state, output, error)
          LEFT JOIN {schema}.workflow_status AS w ON w.workflow_uuid = o.id
          LEFT JOIN {schema}.workflow_output AS r ON r.workflow_uuid = o.id
        """;
}
