using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A write to a stream in a commit.</summary>
internal sealed class StreamPart(Numbered<StreamUnit> numbered) : SinglePart(numbered.Number)
{
    private readonly StreamUnit unit = numbered.Unit;

    public override Ownership? Owner => unit.Owner;

    protected override CheckpointRow? First => unit.Rows.Count == 0 ? null : unit.Rows[0];

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => PostgresDatabase.Command(
        sql.Units.WriteStream,
        [
            .. Guard(now, unit.Owner),
            .. CheckpointParameters.Columns(unit.Rows),
            Text(unit.Key),
            Texts(unit.Values, value => value.Text),
            Texts(unit.Values, value => value.Format),
            Smalls([.. Enumerable.Range(0, unit.Values.Count)], index => unit.SequenceOf(index)),
            Truth(unit.Closes),
        ]);

    public override void Take(NpgsqlDataReader row, CommitResult?[] results) =>
        results[Number] = row.GetBoolean(0) ? CommitResult.Written : new CommitResult(CommitStatus.StreamClosed);
}
