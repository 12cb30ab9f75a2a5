using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Messages sent in a commit.</summary>
internal sealed class SendPart(Numbered<SendUnit> numbered) : SinglePart(numbered.Number)
{
    private readonly SendUnit unit = numbered.Unit;

    public override Ownership? Owner => unit.Owner;

    protected override CheckpointRow? First => unit.Rows.Count == 0 ? null : unit.Rows[0];

    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => PostgresDatabase.Command(
        unit.Owner is null ? sql.Units.SendUnowned : sql.Units.Send,
        [
            .. Guard(now, unit.Owner),
            .. CheckpointParameters.Columns(unit.Rows),
            Texts(unit.Messages, message => message.Id),
            Texts(unit.Messages, message => message.DestinationId),
            Texts(unit.Messages, message => MessageTopics.ToStored(message.Topic)),
            Texts(unit.Messages, message => message.Value.Text),
            Texts(unit.Messages, message => message.Value.Format),
        ]);

    // A destination that exists but could not be locked is locked by somebody who may be deleting it.
    public override void Take(NpgsqlDataReader row, CommitResult?[] results) => results[Number] =
        row.TextOrNull(1) is { } missing ? new CommitResult(CommitStatus.NoDestination) { MissingId = missing }
        : row.GetBoolean(0) ? CommitResult.Busy
        : CommitResult.Written;
}
