using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements that move a running workflow to its next generation.</summary>
internal static class ContinueSql
{
    private const string GenerationMark = "-1";

    /// <summary>Returns a row only while the token of the ending generation or of the next owns the workflow.</summary>
    public const string Read = $"""
        SELECT workflow_timeout_ms, workflow_deadline_epoch_ms, owner_xid
          FROM workflow_status
         WHERE workflow_uuid = @workflow_uuid AND owner_xid IN (@token, @next_token) AND status = '{WorkflowStates.Pending}'
        """;

    public const string DeleteCheckpoints = "DELETE FROM operation_outputs WHERE workflow_uuid = @workflow_uuid";

    /// <summary>
    /// Data that stays from the ended generation is placed before all sequences of the next. Otherwise a fork or a rewind of the next
    /// generation would treat it as written by that generation's steps.
    /// </summary>
    public static IReadOnlyList<string> SetAside { get; } =
    [
        "DELETE FROM workflow_events_history WHERE workflow_uuid = @workflow_uuid AND function_id >= 0",
        $"""
        INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value, serialization)
        SELECT workflow_uuid, {GenerationMark}, key, value, serialization FROM workflow_events WHERE workflow_uuid = @workflow_uuid
        ON CONFLICT (workflow_uuid, function_id, key) DO UPDATE SET value = excluded.value, serialization = excluded.serialization
        """,
        $"UPDATE streams SET function_id = {GenerationMark} WHERE workflow_uuid = @workflow_uuid AND function_id >= 0",
        $"""
        UPDATE notifications SET consumed_by_function_id = {GenerationMark}
         WHERE destination_uuid = @workflow_uuid AND consumed = 1 AND consumed_by_function_id >= 0
        """,
    ];

    public const string WriteGeneration = """
        INSERT INTO fluent_generations (workflow_uuid, generation) VALUES (@workflow_uuid, @generation)
        ON CONFLICT (workflow_uuid) DO UPDATE SET generation = excluded.generation
        """;

    /// <summary>The time is when the generation began; retention recognizes the generation's children by it.</summary>
    public const string WriteInput = """
        INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp) VALUES (@workflow_uuid, @inputs, @now)
        ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = excluded.inputs, retention_timestamp = excluded.retention_timestamp
        """;

    public const string WriteOrigin = """
        INSERT INTO fluent_origins (workflow_uuid, seed, started_at) VALUES (@workflow_uuid, @seed, @started_at)
        ON CONFLICT (workflow_uuid) DO UPDATE SET seed = excluded.seed, started_at = excluded.started_at
        """;

    /// <summary>
    /// An input in the row itself, as older SDKs wrote it, must not show through a NULL input. A late write of the ended generation has
    /// that generation's token, so it cannot land in the next.
    /// </summary>
    public const string Begin = """
        UPDATE workflow_status
           SET owner_xid = @next_token, inputs = NULL, recovery_attempts = 1, workflow_deadline_epoch_ms = @deadline,
               updated_at = @now
         WHERE workflow_uuid = @workflow_uuid
        """;
}
