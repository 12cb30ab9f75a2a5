using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>One unit of a commit that has a statement of its own.</summary>
internal abstract class SinglePart(int number) : CommitPart
{
    /// <summary>The run that writes; null for a sender outside any workflow.</summary>
    public abstract Ownership? Owner { get; }

    /// <summary>The checkpoint that is stored if the unit is; null for a unit that writes none.</summary>
    protected abstract CheckpointRow? First { get; }

    protected int Number => number;

    /// <summary>Locks the owner's row in a statement of its own, for when locks are waited for.</summary>
    public sealed override NpgsqlBatchCommand? RenderLock(CommitSql sql) =>
        Owner is { } owner ? PostgresDatabase.Command(sql.Units.LockOwner, Text(owner.WorkflowId)) : null;

    public sealed override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results) =>
        results[number] is not null || Owner is not { } owner ? null : PostgresDatabase.Command(
            sql.ReadSingle,
            Text(owner.WorkflowId),
            Text(owner.Token),
            Small(First?.Sequence),
            Text(First?.Name),
            Number(First?.StartedAtMs),
            Number(First?.CompletedAtMs));

    public sealed override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results) =>
        results[number] = row.GetBoolean(1) || Stands(row)
            ? Standing(new Payload(row.TextOrNull(2), row.TextOrNull(3))) with { MovedOn = !row.GetBoolean(0) }
            : row.GetBoolean(0) ? CommitResult.Busy
            : CommitResult.NotOwned;

    /// <summary>Whether the unit is stored in a way that no checkpoint shows.</summary>
    protected virtual bool Stands(NpgsqlDataReader answer) => false;

    /// <summary>The result of a stored unit, whose first checkpoint has this output.</summary>
    protected virtual CommitResult Standing(Payload output) => CommitResult.Written;

    /// <summary>The parameters that every unit's statement begins with.</summary>
    protected static NpgsqlParameter[] Guard(NpgsqlParameter now, Ownership? owner) =>
        [now, Text(owner?.WorkflowId), Text(owner?.Token)];
}
