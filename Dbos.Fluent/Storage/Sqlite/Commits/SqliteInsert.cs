using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Binds the columns of a new workflow that are stored as given.</summary>
internal static class SqliteInsert
{
    public static SqliteStatement Bind(SqliteStatement statement, WorkflowInsert row) => statement
        .Bind("@workflow_uuid", row.Id)
        .Bind("@status", row.State.ToStored())
        .Bind("@name", row.Name)
        .Bind("@executor_id", row.ExecutorId)
        .Bind("@application_version", row.ApplicationVersion)
        .Bind("@application_name", row.ApplicationName)
        .Bind("@queue_name", row.Queue)
        .Bind("@timeout_ms", row.TimeoutMs)
        .Bind("@deduplication_id", row.DeduplicationId)
        .Bind("@priority", row.Priority)
        .Bind("@queue_partition_key", row.PartitionKey)
        .Bind("@parent_workflow_id", row.ParentId)
        .Bind("@creator_xid", row.Token)
        .Bind("@serialization", row.Input.Format)
        .Bind("@attributes", row.AttributesJson)
        .Bind("@schedule_name", row.ScheduleName);
}
