using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>An event set in a commit.</summary>
internal sealed class EventPart(Numbered<EventUnit> numbered) : SinglePart(numbered.Number)
{
    private readonly EventUnit unit = numbered.Unit;

    public override Ownership? Owner => unit.Owner;

    protected override CheckpointRow? First => unit.Rows.Count == 0 ? null : unit.Rows[0];

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => PostgresDatabase.Command(
        sql.Units.SetEvent,
        [
            .. Guard(now, unit.Owner),
            .. CheckpointParameters.Columns(unit.Rows),
            Text(unit.Key),
            Text(unit.Value.Text),
            Text(unit.Value.Format),
            Small(unit.Sequence),
        ]);

    public override void Take(NpgsqlDataReader row, CommitResult?[] results) => results[Number] = CommitResult.Written;
}
