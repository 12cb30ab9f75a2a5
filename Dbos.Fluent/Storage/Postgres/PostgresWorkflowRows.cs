using Dbos.Fluent.Model;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Reads records from rows whose columns are in the order of <see cref="WorkflowSql.RowColumns"/>.</summary>
internal static class PostgresWorkflowRows
{
    /// <summary>A row with its payloads.</summary>
    public static WorkflowRow Read(NpgsqlDataReader row) => Read(row, payloads: true);

    /// <summary>A row, without its payloads unless they are requested: they may be stored in the row itself.</summary>
    public static WorkflowRow Read(NpgsqlDataReader row, bool payloads)
    {
        var format = row.TextOrNull(22);
        return new WorkflowRow
        {
            Status = ReadStatus(row),
            UnknownState = WorkflowStates.Unknown(row.GetString(2)),
            AttributesJson = row.TextOrNull(21),
            Input = payloads ? new Payload(row.TextOrNull(23), format) : default,
            Output = payloads ? new Payload(row.TextOrNull(24), format) : default,
            Error = payloads ? new Payload(row.TextOrNull(25), format) : default,
        };
    }

    private static WorkflowStatus ReadStatus(NpgsqlDataReader row) => new()
    {
        Id = row.GetString(0),
        Name = row.TextOrNull(1) ?? "",
        State = WorkflowStates.Parse(row.GetString(2)),
        Queue = row.TextOrNull(3),
        PartitionKey = row.TextOrNull(4),
        DeduplicationId = row.TextOrNull(5),
        Priority = row.GetInt32(6),
        RecoveryAttempts = (int)(row.NumberOrNull(7) ?? 0),
        ExecutorId = row.TextOrNull(8),
        ApplicationName = row.TextOrNull(9),
        ApplicationVersion = row.TextOrNull(10),
        ParentId = row.TextOrNull(11),
        ForkedFrom = row.TextOrNull(12),
        ScheduleName = row.TextOrNull(13),
        Timeout = EpochMs.ToDuration(row.NumberOrNull(14)),
        CreatedAt = EpochMs.ToMoment(row.GetInt64(15)),
        UpdatedAt = EpochMs.ToMoment(row.GetInt64(16)),
        StartedAt = EpochMs.ToMoment(row.NumberOrNull(17)),
        CompletedAt = EpochMs.ToMoment(row.NumberOrNull(18)),
        Deadline = EpochMs.ToMoment(row.NumberOrNull(19)),
        DelayUntil = EpochMs.ToMomentOrNever(row.NumberOrNull(20)),
        Parked = row.GetBoolean(26),
    };
}
