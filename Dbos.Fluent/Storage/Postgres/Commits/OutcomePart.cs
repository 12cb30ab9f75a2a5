using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The outcomes of a commit.</summary>
internal sealed class OutcomePart(IEnumerable<Numbered<OutcomeUnit>> unsorted) : CommitPart
{
    // Locks are taken in this order.
    private readonly List<Numbered<OutcomeUnit>> units = [.. unsorted.OrderBy(unit => unit.Unit.Owner.WorkflowId, StringComparer.Ordinal)];

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => units switch
    {
        [var (_, unit)] => RenderOne(sql, now, unit),
        _ => PostgresDatabase.Command(
            sql.Outcomes,
            [now, .. Columns([.. Enumerable.Range(0, units.Count)]), .. CheckpointParameters.Columns(LastRows())]),
    };

    public override void Take(NpgsqlDataReader row, CommitResult?[] results) =>
        results[units[row.GetInt32(0)].Number] = CommitResult.Written;

    public override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results)
    {
        var open = Enumerable.Range(0, units.Count).Where(ord => results[units[ord].Number] is null).ToList();
        return open.Count == 0 ? null : PostgresDatabase.Command(sql.ReadOutcomes, Columns(open));
    }

    public override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results)
    {
        var owned = row.GetBoolean(1);
        var stands = row.GetBoolean(2);
        results[units[row.GetInt32(0)].Number] = stands ? CommitResult.Written : owned ? CommitResult.Busy : CommitResult.NotOwned;
    }

    private static NpgsqlBatchCommand RenderOne(CommitSql sql, NpgsqlParameter now, OutcomeUnit unit) => PostgresDatabase.Command(
        sql.Outcome,
        [
            now,
            Text(unit.Owner.WorkflowId),
            Text(unit.Owner.Token),
            Text(unit.State.ToStored()),
            Text(unit.Output),
            Text(unit.Error),
            .. CheckpointParameters.Values(unit.Last),
        ]);

    private List<(int Ord, CheckpointRow Row)> LastRows() =>
        [.. units.Index().Where(unit => unit.Item.Unit.Last is not null).Select(unit => (unit.Index, unit.Item.Unit.Last!))];

    private NpgsqlParameter[] Columns(List<int> ords) =>
    [
        Smalls(ords, ord => ord),
        Texts(ords, ord => units[ord].Unit.Owner.WorkflowId),
        Texts(ords, ord => units[ord].Unit.Owner.Token),
        Texts(ords, ord => units[ord].Unit.State.ToStored()),
        Texts(ords, ord => units[ord].Unit.Output),
        Texts(ords, ord => units[ord].Unit.Error),
    ];
}
