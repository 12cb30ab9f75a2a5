using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>A waiting workflow as a claim reads it.</summary>
internal sealed record ClaimableRow
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required Payload Input { get; init; }

    public required int RecoveryAttempts { get; init; }

    public string? Queue { get; init; }

    public string? PartitionKey { get; init; }

    public string? ParentId { get; init; }

    public long? DeadlineMs { get; init; }

    public long? TimeoutMs { get; init; }

    /// <summary>The executor that ran it last; null if no executor has run it.</summary>
    public string? ExecutorId { get; init; }

    public required long CreatedAtMs { get; init; }

    public string? ForkedFrom { get; init; }

    /// <summary>The stored origin; null if there is none.</summary>
    public WorkflowOrigin? Origin { get; init; }

    /// <summary>True if it was parked, so that taking it up again is not a recovery.</summary>
    public required bool Parked { get; init; }

    public static ClaimableRow Read(SqliteStatement row) => new()
    {
        Id = row.Text(0),
        Name = row.Text(1),
        Input = new Payload(row.TextOrNull(2), row.TextOrNull(3)),
        RecoveryAttempts = row.Int32(4),
        Queue = row.TextOrNull(5),
        ParentId = row.TextOrNull(6),
        DeadlineMs = row.Int64OrNull(7),
        TimeoutMs = row.Int64OrNull(8),
        ExecutorId = row.TextOrNull(9),
        CreatedAtMs = row.Int64(10),
        ForkedFrom = row.TextOrNull(11),
        Origin = row.Int64OrNull(12) is { } seed ? new WorkflowOrigin(seed, row.Int64(13)) : null,
        Parked = row.Truth(14),
        PartitionKey = row.TextOrNull(15),
    };
}
