namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Messages, events and streams as they stand in the tables, and as another SDK or a person would write them there.</summary>
internal static class MessagingRows
{
    /// <summary>Inserts a message in portable JSON; the trigger of the table, where there is one, announces it.</summary>
    public static Task InsertMessageAsync(
        this TestDatabase database,
        string destination,
        string json,
        string topic = "__null__topic__",
        string format = "portable_json",
        long sentAtMs = 1) => database.ExecuteAsync(
        $"""
        INSERT INTO notifications (message_uuid, destination_uuid, topic, message, created_at_epoch_ms, serialization)
        VALUES ('{Guid.NewGuid()}', '{destination}', '{topic}', '{json}', {sentAtMs}, '{format}')
        """);

    /// <summary>Sets an event in portable JSON, and tells nobody.</summary>
    public static Task InsertEventAsync(this TestDatabase database, string id, string key, string json) => database.ExecuteAsync(
        $"INSERT INTO workflow_events (workflow_uuid, key, value, serialization) VALUES ('{id}', '{key}', '{json}', 'portable_json')");

    /// <summary>Appends a stream value in portable JSON, and tells nobody.</summary>
    public static Task InsertStreamValueAsync(this TestDatabase database, string id, string key, int offset, string json) =>
        database.ExecuteAsync(
            $"""
            INSERT INTO streams (workflow_uuid, key, value, "offset", function_id, serialization)
            VALUES ('{id}', '{key}', '{json}', {offset}, 0, 'portable_json')
            """);

    /// <summary>How many messages there are of which this holds.</summary>
    public static Task<long> MessagesAsync(this TestDatabase database, string where = "1 = 1") =>
        database.CountAsync("SELECT count(*) FROM notifications WHERE " + where);

    /// <summary>How many messages were not received.</summary>
    public static Task<long> UnreadAsync(this TestDatabase database) => database.MessagesAsync("NOT consumed");

    /// <summary>Every message, with what happened to it.</summary>
    public static async Task<string> StoredMessagesAsync(this TestDatabase database)
    {
        var rows = await database.QueryAsync(
            "SELECT message_uuid, destination_uuid, topic, message, consumed, consumed_by_function_id FROM notifications ORDER BY 1");
        return string.Join('\n', rows.Select(row => string.Join('|', row)));
    }

    /// <summary>The checkpoints as <c>sequence name output format</c>, with <c>-</c> for null.</summary>
    public static async Task<string[]> StepRowsAsync(this TestDatabase database, string id)
    {
        var rows = await database.QueryAsync(
            "SELECT function_id, function_name, output, serialization FROM operation_outputs "
            + $"WHERE workflow_uuid = '{id}' ORDER BY function_id");
        return [.. rows.Select(row => string.Join(' ', row.Select(column => column ?? "-")))];
    }

    /// <summary>True once a step of a workflow has a row.</summary>
    public static async Task<bool> HasStepAsync(this TestDatabase database, string id, int sequence) => await database.CountAsync(
        $"SELECT count(*) FROM operation_outputs WHERE workflow_uuid = '{id}' AND function_id = {sequence}") == 1;
}
