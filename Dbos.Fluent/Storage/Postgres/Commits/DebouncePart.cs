using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The start or move of a debounced workflow in a commit.</summary>
internal sealed class DebouncePart(Numbered<DebounceUnit> numbered) : CommitPart
{
    private readonly int number = numbered.Number;
    private readonly DebounceUnit unit = numbered.Unit;

    // Whether the statement held the parent's lock; without a parent it needs none.
    private bool allowed;
    private bool waits;

    public override NpgsqlBatchCommand RenderLock(CommitSql sql) => PostgresDatabase.Command(
        sql.Debounce.Lock, Text(unit.Parent?.WorkflowId), Text(unit.Row.Queue), Text(unit.Row.DeduplicationId));

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now)
    {
        waits = sql.Waits;
        return PostgresDatabase.Command(
            sql.Debounce.Write,
            [
                now,
                .. StartPart.RowOf(unit.Row),
                Text(unit.Parent?.WorkflowId),
                Text(unit.Parent?.Token),
                Small(unit.ParentCheckpoint?.Sequence),
                Text(unit.ParentCheckpoint?.Name),
                Text(unit.ParentCheckpoint?.Output),
                Text(unit.ParentCheckpoint?.Error),
                Text(unit.ParentCheckpoint?.Format),
                Number(unit.ParentCheckpoint?.StartedAtMs),
                Number(unit.ParentCheckpoint?.CompletedAtMs),
                Number(unit.AtMostMs),
            ]);
    }

    public override void Take(NpgsqlDataReader row, CommitResult?[] results)
    {
        allowed = true;
        results[number] =
            !row.IsDBNull(0) ? Standing(row)
            : !row.IsDBNull(10) ? new CommitResult(CommitStatus.Written, null, row.GetInt64(10))
            : !row.IsDBNull(4) ? OfHolder(row)

            // Somebody else has locked a holder that could not be locked. If locks are waited for, it is gone, and the next try tells more.
            : row.GetBoolean(11) && !waits ? CommitResult.Busy
            : null;
    }

    public override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results) =>
        results[number] is not null ? null : PostgresDatabase.Command(
            sql.ReadDebounce,
            Text(unit.Row.Id),
            Text(unit.Row.Token),
            Text(unit.Parent?.WorkflowId),
            Text(unit.Parent?.Token),
            Small(unit.ParentCheckpoint?.Sequence),
            Text(unit.ParentCheckpoint?.Name),
            Number(unit.ParentCheckpoint?.StartedAtMs),
            Number(unit.ParentCheckpoint?.CompletedAtMs));

    public override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results) => results[number] =
        !row.IsDBNull(0) ? Standing(row) with { ParentMovedOn = !allowed && !row.GetBoolean(8) }
        : !allowed ? row.GetBoolean(8) ? CommitResult.Busy : CommitResult.NotOwned
        : row.IsDBNull(5) ? null
        : row.GetBoolean(7) ? new CommitResult(CommitStatus.Written, null, row.GetInt64(6))
        : new CommitResult(
            row.TextOrNull(4) == unit.Row.Name ? CommitStatus.IdInUse : CommitStatus.NameConflict, Existing(row, unit.Row.Id, 4));

    // The parent's checkpoint tells what an earlier try did.
    private CommitResult Standing(NpgsqlDataReader row) => row.GetString(0) == unit.Row.Id
        ? new CommitResult(CommitStatus.Written, null, row.NumberOrNull(3) ?? 0)
        : new CommitResult(CommitStatus.Attached, Existing(row, row.GetString(0), 1));

    private CommitResult OfHolder(NpgsqlDataReader row) =>
        row.GetBoolean(9) ? new CommitResult(CommitStatus.Written, null, row.GetInt64(7))
        : new CommitResult(
            row.GetBoolean(8) ? CommitStatus.Attached : CommitStatus.Deduplicated, Existing(row, row.GetString(4), 5));

    // Reads its name and its state. A child that a checkpoint names may have been deleted since: it is reported as it was.
    private ExistingWorkflow Existing(NpgsqlDataReader row, string id, int name) => row.TextOrNull(name + 1) is { } state
        ? new(id, row.TextOrNull(name) ?? "", WorkflowStates.Parse(state))
        : new(id, unit.Row.Name, WorkflowState.Delayed);
}
