using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Creates records from rows whose columns are in the order of <see cref="WorkflowSql"/>.</summary>
internal static class SqliteRows
{
    public static CheckpointRow ReadCheckpoint(SqliteStatement row) =>
        new(row.Int32(0), row.Text(1), row.Int64OrNull(6), row.Int64OrNull(7))
        {
            Output = row.TextOrNull(2),
            Error = row.TextOrNull(3),
            Format = row.TextOrNull(4),
            ChildId = row.TextOrNull(5),
        };

    /// <summary>Reads a row, without its payloads if they are not asked for; the row itself may hold payloads.</summary>
    public static WorkflowRow ReadWorkflow(SqliteStatement row, bool payloads = true)
    {
        var format = row.TextOrNull(21);
        return new WorkflowRow
        {
            Status = ReadStatus(row),
            UnknownState = WorkflowStates.Unknown(row.Text(2)),
            Input = payloads ? new Payload(row.TextOrNull(22), format) : default,
            Output = payloads ? new Payload(row.TextOrNull(23), format) : default,
            Error = payloads ? new Payload(row.TextOrNull(24), format) : default,
            AttributesJson = row.TextOrNull(25),
        };
    }

    public static ExecutorRow ReadExecutor(SqliteStatement row, long readAtMs) => new(
        row.Text(0),
        row.Text(1),
        row.Text(2),
        row.Text(3),
        new HostProcess(row.Text(4), row.Text(5), row.Text(6), row.Int32(7), row.Int64(8)),
        row.Int64(9),
        row.Truth(10),
        row.Truth(11))
    { ReadAtMs = readAtMs };

    /// <summary>Reads rows of one column, an id.</summary>
    public static List<string> ReadIds(SqliteStatement rows)
    {
        var ids = new List<string>();
        while (rows.Step())
        {
            ids.Add(rows.Text(0));
        }

        return ids;
    }

    private static WorkflowStatus ReadStatus(SqliteStatement row) => new()
    {
        Id = row.Text(0),
        Name = row.TextOrNull(1) ?? "",
        State = WorkflowStates.Parse(row.Text(2)),
        Queue = row.TextOrNull(3),
        PartitionKey = row.TextOrNull(4),
        DeduplicationId = row.TextOrNull(5),
        Priority = row.Int32(6),
        RecoveryAttempts = row.Int32(7),
        ExecutorId = row.TextOrNull(8),
        ApplicationName = row.TextOrNull(9),
        ApplicationVersion = row.TextOrNull(10),
        ParentId = row.TextOrNull(11),
        ForkedFrom = row.TextOrNull(12),
        ScheduleName = row.TextOrNull(13),
        Timeout = EpochMs.ToDuration(row.Int64OrNull(14)),
        CreatedAt = EpochMs.ToMoment(row.Int64(15)),
        UpdatedAt = EpochMs.ToMoment(row.Int64(16)),
        StartedAt = EpochMs.ToMoment(row.Int64OrNull(17)),
        CompletedAt = EpochMs.ToMoment(row.Int64OrNull(18)),
        Deadline = EpochMs.ToMoment(row.Int64OrNull(19)),
        DelayUntil = EpochMs.ToMomentOrNever(row.Int64OrNull(20)),
        Parked = row.Truth(26),
    };
}
