using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The checkpoints of a commit.</summary>
internal sealed class CheckpointPart(List<Numbered<CheckpointUnit>> units) : CommitPart
{
    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => units switch
    {
        [var (_, unit)] when unit.Rows.Count == 1 => RenderOne(sql, unit.Owner, unit.Rows[0]),
        _ => RenderAll(sql.Checkpoints, [.. Enumerable.Range(0, units.Count)]),
    };

    public override void Take(NpgsqlDataReader row, CommitResult?[] results) => results[units[row.GetInt32(0)].Number] = CommitResult.Written;

    public override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results)
    {
        var open = Enumerable.Range(0, units.Count).Where(ord => results[units[ord].Number] is null).ToList();
        return open.Count == 0 ? null : RenderAll(sql.ReadCheckpoints, open);
    }

    public override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results)
    {
        var (number, unit) = units[row.GetInt32(0)];
        var owned = row.GetBoolean(1);
        var stands = row.GetInt64(2) == unit.Rows.Count;
        results[number] = stands ? CommitResult.Written : owned ? CommitResult.Busy : CommitResult.NotOwned;
    }

    private static NpgsqlBatchCommand RenderOne(CommitSql sql, Ownership owner, CheckpointRow row) => PostgresDatabase.Command(
        sql.Checkpoint,
        Text(owner.WorkflowId),
        Text(owner.Token),
        Small(row.Sequence),
        Text(row.Name),
        Text(row.Output),
        Text(row.Error),
        Text(row.Format),
        Text(row.ChildId),
        Number(row.StartedAtMs),
        Number(row.CompletedAtMs));

    private NpgsqlBatchCommand RenderAll(string sql, List<int> ords)
    {
        var rows = ords.SelectMany(ord => units[ord].Unit.Rows.Select(row => (Ord: ord, Row: row))).ToList();
        return PostgresDatabase.Command(
            sql,
            Smalls(ords, ord => ord),
            Texts(ords, ord => units[ord].Unit.Owner.WorkflowId),
            Texts(ords, ord => units[ord].Unit.Owner.Token),
            Smalls(rows, row => row.Ord),
            Smalls(rows, row => row.Row.Sequence),
            Texts(rows, row => row.Row.Name),
            Texts(rows, row => row.Row.Output),
            Texts(rows, row => row.Row.Error),
            Texts(rows, row => row.Row.Format),
            Texts(rows, row => row.Row.ChildId),
            Numbers(rows, row => row.Row.StartedAtMs),
            Numbers(rows, row => row.Row.CompletedAtMs));
    }
}
