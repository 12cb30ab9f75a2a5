using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A receive in a commit.</summary>
internal sealed class ReceivePart(Numbered<ReceiveUnit> numbered) : SinglePart(numbered.Number)
{
    private readonly ReceiveUnit unit = numbered.Unit;

    public override Ownership? Owner => unit.Owner;

    protected override CheckpointRow? First => unit.Row;

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => PostgresDatabase.Command(
        sql.Units.Receive,
        [
            .. Guard(now, unit.Owner),
            .. CheckpointParameters.Columns(unit.Begun),
            Text(MessageTopics.ToStored(unit.Topic)),
            Small(unit.Row.Sequence),
            Text(unit.Row.Name),
            Text(unit.Row.ChildId),
            Number(unit.Row.StartedAtMs),
            Number(unit.Row.CompletedAtMs),
            .. CheckpointParameters.Columns(unit.With),
        ]);

    // A message existed and this unit did not record it: an earlier try of it ended between the snapshot and the lock. The question reads
    // what that try recorded.
    public override void Take(NpgsqlDataReader row, CommitResult?[] results)
    {
        if (row.GetBoolean(0))
        {
            results[Number] = Standing(new Payload(row.TextOrNull(2), row.TextOrNull(3)));
        }
        else if (!row.GetBoolean(1))
        {
            results[Number] = new CommitResult(CommitStatus.NothingThere);
        }
    }

    protected override CommitResult Standing(Payload output) => new(CommitStatus.Written) { Received = output };
}
