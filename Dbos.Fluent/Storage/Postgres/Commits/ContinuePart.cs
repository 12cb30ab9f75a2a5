using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A workflow's move to its next generation, in a commit.</summary>
internal sealed class ContinuePart(Numbered<ContinueUnit> numbered) : CommitPart
{
    private readonly ContinueUnit unit = numbered.Unit;

    public override NpgsqlBatchCommand? RenderLock(CommitSql sql) =>
        PostgresDatabase.Command(sql.Units.LockOwner, Text(unit.Owner.WorkflowId));

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => PostgresDatabase.Command(
        sql.Continue.Continue,
        now,
        Text(unit.Owner.WorkflowId),
        Text(unit.Owner.Token),
        Small(unit.Generation),
        Text(unit.Input),
        Number(unit.Origin.Seed),
        Number(unit.Origin.StartedAtMs),
        Text(unit.NextToken));

    public override void Take(NpgsqlDataReader row, CommitResult?[] results) =>
        results[numbered.Number] = new CommitResult(CommitStatus.Written, DeadlineMs: row.NumberOrNull(0));

    public override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results) =>
        results[numbered.Number] is not null ? null : PostgresDatabase.Command(
            sql.ReadContinued,
            Text(unit.Owner.WorkflowId),
            Text(unit.Owner.Token),
            Text(unit.NextToken));

    public override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results) => results[numbered.Number] =
        row.GetBoolean(1) ? new CommitResult(CommitStatus.Written, DeadlineMs: row.NumberOrNull(2))
        : row.GetBoolean(0) ? CommitResult.Busy
        : CommitResult.NotOwned;
}
