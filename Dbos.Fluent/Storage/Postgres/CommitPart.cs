using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The units of one kind in a commit: one statement writes them, and one asks about those that it did not write.</summary>
internal abstract class CommitPart
{
    /// <summary>The writing statement with its parameters.</summary>
    public abstract NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now);

    /// <summary>Takes one row of the writing statement's answer.</summary>
    public abstract void Take(NpgsqlDataReader row, CommitResult?[] results);

    /// <summary>The asking statement for the units that have no result yet; null if all have one.</summary>
    public abstract NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results);

    /// <summary>Takes one row of the asking statement's answer; a unit that it leaves without a result is to be written again.</summary>
    public abstract void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results);

    /// <summary>Sorts units by kind: starts first and outcomes last, which keeps the order of any workflow's own units.</summary>
    public static List<CommitPart> Of(IReadOnlyList<CommitUnit> units, CommitResult?[] results)
    {
        List<Numbered<StartUnit>> starts = [];
        List<Numbered<CheckpointUnit>> checkpoints = [];
        List<Numbered<OutcomeUnit>> outcomes = [];
        for (var number = 0; number < units.Count; number++)
        {
            switch (units[number])
            {
                case var _ when results[number] is not null:
                    break;
                case StartUnit start:
                    starts.Add(new(number, start));
                    break;
                case CheckpointUnit checkpoint:
                    checkpoints.Add(new(number, checkpoint));
                    break;
                case OutcomeUnit outcome:
                    outcomes.Add(new(number, outcome));
                    break;
                case var unknown:
                    throw new System.Diagnostics.UnreachableException($"Unknown unit {unknown.GetType()}.");
            }
        }

        List<CommitPart> parts = [];
        if (starts.Count > 0)
        {
            parts.Add(new StartPart(starts));
        }

        if (checkpoints.Count > 0)
        {
            parts.Add(new CheckpointPart(checkpoints));
        }

        if (outcomes.Count > 0)
        {
            parts.Add(new OutcomePart(outcomes));
        }

        return parts;
    }
}

/// <summary>A unit and its place in the whole commit.</summary>
internal readonly record struct Numbered<TUnit>(int Number, TUnit Unit)
    where TUnit : CommitUnit;
