using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The checkpoints of a commit.</summary>
internal sealed class CheckpointPart(IEnumerable<Numbered<CheckpointUnit>> unsorted) : CommitPart
{
    // Locks are taken in this order.
    private readonly List<Numbered<CheckpointUnit>> units =
        [.. unsorted.OrderBy(unit => unit.Unit.Owner.WorkflowId, StringComparer.Ordinal)];

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => units switch
    {
        [var (_, unit)] when unit.Rows.Count == 1 => RenderOne(sql, unit.Owner, unit.Rows[0]),
        _ => PostgresDatabase.Command(sql.Checkpoints, [.. UnitColumns(Ords), .. CheckpointParameters.Columns(RowsOf(Ords))]),
    };

    public override void Take(NpgsqlDataReader row, CommitResult?[] results) =>
        results[units[row.GetInt32(0)].Number] = CommitResult.Written;

    public override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results)
    {
        var open = Ords.FindAll(ord => results[units[ord].Number] is null);
        if (open.Count == 0)
        {
            return null;
        }

        var rows = RowsOf(open);
        return PostgresDatabase.Command(
            sql.ReadCheckpoints,
            [
                .. UnitColumns(open),
                .. CheckpointParameters.Columns(rows),
                Texts(rows, row => units[row.Ord].Unit.Owner.WorkflowId),
            ]);
    }

    public override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results)
    {
        var (number, unit) = units[row.GetInt32(0)];
        var owned = row.GetBoolean(1);
        var stands = row.GetInt64(2) == unit.Rows.Count;
        results[number] = stands ? CommitResult.Written with { MovedOn = !owned } : owned ? CommitResult.Busy : CommitResult.NotOwned;
    }

    private static NpgsqlBatchCommand RenderOne(CommitSql sql, Ownership owner, CheckpointRow row) => PostgresDatabase.Command(
        sql.Checkpoint, [Text(owner.WorkflowId), Text(owner.Token), .. CheckpointParameters.Values(row)]);

    private List<int> Ords => [.. Enumerable.Range(0, units.Count)];

    private List<(int Ord, CheckpointRow Row)> RowsOf(List<int> ords) =>
        [.. ords.SelectMany(ord => units[ord].Unit.Rows.Select(row => (ord, row)))];

    private NpgsqlParameter[] UnitColumns(List<int> ords) =>
    [
        Smalls(ords, ord => ord),
        Texts(ords, ord => units[ord].Unit.Owner.WorkflowId),
        Texts(ords, ord => units[ord].Unit.Owner.Token),
    ];
}
