using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The parking of a workflow in a commit.</summary>
internal sealed class ParkPart(Numbered<ParkUnit> numbered) : SinglePart(numbered.Number)
{
    private readonly ParkUnit unit = numbered.Unit;

    public override Ownership? Owner => unit.Owner;

    protected override CheckpointRow? First => null;

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => PostgresDatabase.Command(
        sql.Units.Park,
        [
            .. Guard(now, unit.Owner),
            Smalls(unit.Waits, wait => wait.Sequence),
            Texts(unit.Waits, wait => WaitKinds.ToStored(wait.Kind)),
            Texts(unit.Waits, wait => wait.Key),
            Texts(unit.Waits, wait => wait.TargetId),
            Texts(unit.Waits, wait => wait.Name),
            Numbers(unit.Waits, wait => wait.WakeAtMs),
            Smalls(unit.Waits, wait => wait.Part),
        ]);

    public override void Take(NpgsqlDataReader row, CommitResult?[] results) => results[Number] = CommitResult.Written;

    // Parked by this very execution: a token is never reused.
    protected override bool Stands(NpgsqlDataReader answer) => answer.GetBoolean(4);
}
