using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements that delete workflows, singly or by age and number, and one that sets their attributes.</summary>
internal static class DeletionSql
{
    private const string Unended = $"'{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}'";

    // A workflow that ended in any other state can be resumed where it stopped.
    private const string Final = $"'{WorkflowStates.Success}', '{WorkflowStates.Error}'";

    // Deleting such a resumable workflow frees workflows that were looked at before it, in the order of completion.
    private const string KeptOthers = $"""
        w.status NOT IN ({Final})
               AND (w.forked_from IS NOT NULL OR EXISTS (
                   SELECT 1 FROM workflow_status AS child WHERE child.parent_workflow_id = w.workflow_uuid))
        """;

    /// <summary>Rows that refer to this row are deleted with it.</summary>
    public const string Delete = "DELETE FROM workflow_status WHERE workflow_uuid = @workflow_uuid";

    public const string DeleteInput = "DELETE FROM workflow_input WHERE workflow_uuid = @workflow_uuid";

    public const string DeleteOutput = "DELETE FROM workflow_output WHERE workflow_uuid = @workflow_uuid";

    public const string DeleteSteps = "DELETE FROM operation_outputs WHERE workflow_uuid = @workflow_uuid";

    public const string SetAttributes =
        "UPDATE workflow_status SET attributes = @attributes, updated_at = @now WHERE workflow_uuid = @workflow_uuid";

    /// <summary>The first position after the newest workflows, which are kept.</summary>
    public static (string Sql, FilterSql Conditions) FirstNotKept(RetentionScope scope)
    {
        var conditions = Matching(scope);
        var kept = conditions.Number(scope.Policy.KeepNewest);
        var sql = $"""
            SELECT w.completed_at, w.workflow_uuid
              FROM workflow_status AS w
             {conditions.Where}
             ORDER BY w.completed_at DESC, w.workflow_uuid DESC
             LIMIT 1 OFFSET {kept}
            """;
        return (sql, conditions);
    }

    /// <summary>The position up to which a batch looks; no row if the batch reaches the bound.</summary>
    public static (string Sql, FilterSql Conditions) Until(RetentionRequest request)
    {
        var conditions = new FilterSql();
        conditions.Add("w.completed_at IS NOT NULL");
        AddSpan(conditions, request);
        var sql = $"""
            SELECT w.completed_at, w.workflow_uuid, 0
              FROM workflow_status AS w
             {conditions.Where}
             ORDER BY w.completed_at, w.workflow_uuid
             LIMIT 1 OFFSET {conditions.Number(request.LookedMax)} - 1
            """;
        return (sql, conditions);
    }

    /// <summary>The next workflows to delete.</summary>
    public static (string Sql, FilterSql Conditions) Doomed(RetentionRequest request, long nowMs)
    {
        var conditions = Matching(request.Scope);
        AddSpan(conditions, request);
        conditions.AddText(
            "w.workflow_uuid NOT IN (SELECT value FROM json_each({0}))", request.Except is [_, ..] left ? SqliteLists.Of(left) : null);

        // A parent that is unfinished or can be resumed may look at its children. So may any such fork of it or of its forks. The first
        // workflow of a line of forks, and those in between, stay so that the line is not lost: a fork that never ran has its origin there.
        // A parent in a later generation looks only at children of its history and of that generation. The generation begins when its input
        // is written, and a rewind removes what named its children. Cancelling or deleting a tree finds its living members through their
        // parents. Who has left memory reads the outcome that it awaits when it is taken up again; it need be nobody's parent for that. A
        // queue's rate is counted from its rows, including ended ones.
        conditions.Add($"""
            (NOT EXISTS (
                    SELECT 1 FROM workflow_status AS parent
                     WHERE parent.workflow_uuid = w.parent_workflow_id AND parent.status NOT IN ({Final}))
                    OR (EXISTS (
                            SELECT 1
                              FROM fluent_generations AS g
                              JOIN workflow_input AS i ON i.workflow_uuid = g.workflow_uuid
                             WHERE g.workflow_uuid = w.parent_workflow_id AND w.created_at < i.retention_timestamp)
                        AND NOT EXISTS (
                            SELECT 1 FROM operation_outputs AS o
                             WHERE o.workflow_uuid = w.parent_workflow_id AND o.child_workflow_id = w.workflow_uuid)))
            """);
        conditions.Add($"""
            NOT EXISTS (
                    SELECT 1 FROM workflow_status AS child
                     WHERE child.parent_workflow_id = w.workflow_uuid AND +child.status IN ({Unended}))
            """);
        conditions.Add($"""
            NOT EXISTS (
                    SELECT 1 FROM fluent_waits AS f
                     CROSS JOIN workflow_status AS waiting ON waiting.workflow_uuid = f.workflow_uuid
                     WHERE f.kind = '{WaitKinds.Outcome}' AND f.key = w.workflow_uuid
                       AND +waiting.status IN ('{WorkflowStates.Delayed}', '{WorkflowStates.Enqueued}'))
            """);
        conditions.Add($"(w.parent_workflow_id IS NULL OR NOT {AnyForkGoesOn("w.parent_workflow_id")})");
        conditions.Add($"((w.forked_from IS NULL AND NOT w.was_forked_from) OR NOT {AnyForkGoesOn("w.workflow_uuid")})");
        conditions.Add($"""
            (NOT w.rate_limited OR NOT EXISTS (
                    SELECT 1 FROM queues AS q
                     WHERE q.name = w.queue_name AND w.started_at_epoch_ms > {conditions.Number(nowMs)} - {QueueSql.LongestWindow}))
            """);
        var sql = $"""
            SELECT w.completed_at, w.workflow_uuid, {KeptOthers}
              FROM workflow_status AS w
             {conditions.Where}
             ORDER BY w.completed_at, w.workflow_uuid
             LIMIT {conditions.Number(request.Limit)}
            """;
        return (sql, conditions);
    }

    private static void AddSpan(FilterSql conditions, RetentionRequest request)
    {
        conditions.AddAfter("w.completed_at", request.After);
        var (at, id) = (conditions.Number(request.Bound.AtMs), conditions.Text(request.Bound.Id));
        conditions.Add($"w.completed_at <= {at} AND (w.completed_at < {at} OR w.workflow_uuid <= {id})");
    }

    // UNION ends the recursion where ids that were deleted and reused name each other.
    private static string AnyForkGoesOn(string of) => $"""
        EXISTS (
                    WITH RECURSIVE fork (id, status) AS (
                        SELECT f.workflow_uuid, f.status FROM workflow_status AS f WHERE f.forked_from = {of}
                        UNION
                        SELECT f.workflow_uuid, f.status FROM fork CROSS JOIN workflow_status AS f ON f.forked_from = fork.id)
                    SELECT 1 FROM fork WHERE fork.status NOT IN ({Final}))
        """;

    // Ended workflows without a completion time come from schema levels that had no column for it: they have no age.
    private static FilterSql Matching(RetentionScope scope)
    {
        var conditions = new FilterSql();
        conditions.Add($"+w.status IN ({(scope.Policy.States is { } states ? FilterSql.Listed(states) : WorkflowStates.EndedList)})");
        conditions.Add("w.completed_at IS NOT NULL");
        conditions.AddText("(+w.application_name = {0} OR w.application_name IS NULL)", scope.ApplicationName);
        conditions.AddText("w.name = {0}", scope.Policy.Name);
        return conditions;
    }
}
