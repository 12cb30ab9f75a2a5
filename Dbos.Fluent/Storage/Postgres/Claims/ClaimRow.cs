using Dbos.Fluent.Model;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>One row of a claim's answer: a workflow that was taken, or one that was dead-lettered.</summary>
internal sealed record ClaimRow(
    string Id, bool Spent, ClaimedWorkflow? Workflow, WorkflowOrigin? Origin, bool IsFork, int Priority, long CreatedAtMs)
{
    /// <summary>Says that more may wait behind what other processes hold. It has no workflow; a workflow's own id may be empty.</summary>
    public static ClaimRow MoreBehind { get; } = new("", true, null, null, false, 0, 0);

    /// <summary>The length of an input that did not come with the row; null where it came.</summary>
    public long? LeftOutBytes { get; init; }

    /// <summary>True for a parked workflow that was not taken, as somebody held or changed its row.</summary>
    public bool PassedOver { get; init; }

    /// <summary>Reads whether the row was dead-lettered, then <see cref="ClaimSql.OwnedColumns"/> and the origin.</summary>
    /// <param name="row">The answer.</param>
    /// <param name="first">The column that says whether the row was dead-lettered.</param>
    public static ClaimRow Read(NpgsqlDataReader row, int first)
    {
        var id = row.GetString(first + 1);
        if (row.GetBoolean(first))
        {
            return new ClaimRow(id, true, null, null, false, 0, 0);
        }

        WorkflowOrigin? origin = row.IsDBNull(first + 14) ? null : new WorkflowOrigin(row.GetInt64(first + 14), row.GetInt64(first + 15));
        var workflow = new ClaimedWorkflow
        {
            Id = id,
            Name = row.GetString(first + 2),
            Token = row.GetString(first + 3),
            Input = new Payload(row.TextOrNull(first + 4), row.TextOrNull(first + 5)),
            Attempt = (int)row.GetInt64(first + 6),
            Origin = origin ?? default,
            Queue = row.TextOrNull(first + 7),
            ParentId = row.TextOrNull(first + 8),
            DeadlineMs = row.NumberOrNull(first + 9),
            PartitionKey = row.TextOrNull(first + 13),
            NeverRan = row.GetBoolean(first + 16),
        };
        return new ClaimRow(
            id, false, workflow, origin, !row.IsDBNull(first + 11), row.GetInt32(first + 12), row.GetInt64(first + 10));
    }

    public static ClaimRow Read(NpgsqlDataReader row) => Read(row, 0);

    /// <summary>The same, followed by the bytes of an input that was left out.</summary>
    public static ClaimRow ReadInline(NpgsqlDataReader row) =>
        row.IsDBNull(1) ? MoreBehind : Read(row, 0) with { LeftOutBytes = row.NumberOrNull(17) };

    /// <summary>The same for a parked workflow, whose place in line comes before the bytes.</summary>
    public static ClaimRow ReadParked(NpgsqlDataReader row) =>
        Read(row, 0) with { LeftOutBytes = row.NumberOrNull(18), PassedOver = row.GetBoolean(0) && row.GetBoolean(16) };

    public ClaimRow WithInput(string? text) =>
        this with { Workflow = Workflow! with { Input = Workflow.Input with { Text = text } }, LeftOutBytes = null };

    // A row without an origin that is no fork ran before it was ever enqueued: it was started directly.
    public ClaimedWorkflow ToWorkflow(Dictionary<string, WorkflowOrigin> forks) => Workflow! with
    {
        Origin = Origin ?? (forks.TryGetValue(Id, out var resolved) ? resolved : WorkflowOrigin.OfDirectStart(Id, CreatedAtMs)),
    };
}
