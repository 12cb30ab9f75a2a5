using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A lock that precedes a unit's statement, and answers nothing.</summary>
internal sealed class LockPart(NpgsqlBatchCommand command) : CommitPart
{
    public override NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now) => command;

    public override void Take(NpgsqlDataReader row, CommitResult?[] results)
    {
        // The row's existence says nothing about its owner.
    }

    public override NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results) => null;

    public override void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results) =>
        throw new System.Diagnostics.UnreachableException("A lock asks nothing.");
}
