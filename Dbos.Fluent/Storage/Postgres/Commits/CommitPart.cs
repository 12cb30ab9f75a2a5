using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>
/// The units of one kind in a commit, or a single unit: one statement writes them, and one asks about those that it did not write.
/// </summary>
internal abstract class CommitPart
{
    /// <summary>A lock to be taken in a statement before, where locks are waited for; null where none is needed.</summary>
    public virtual NpgsqlBatchCommand? RenderLock(CommitSql sql) => null;

    /// <summary>The writing statement with its parameters.</summary>
    public abstract NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now);

    /// <summary>Takes one row of the writing statement's answer.</summary>
    public abstract void Take(NpgsqlDataReader row, CommitResult?[] results);

    /// <summary>The asking statement for the units that have no result yet; null if all have one.</summary>
    public abstract NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results);

    /// <summary>Takes one row of the asking statement's answer; a unit that it leaves without a result is to be written again.</summary>
    public abstract void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results);

    /// <summary>
    /// Sorts units by kind: starts, checkpoints, what is written unit by unit, and last what gives the row up. That keeps the order of any
    /// workflow's own units as far as it matters.
    /// </summary>
    /// <remarks>
    /// A start or checkpoint that came after a single unit of its workflow is moved before it. All of it is one transaction, so nobody sees
    /// one without the other; none of them reads what another writes; and where the single unit is not written for what it finds (nothing
    /// there, a closed stream, no destination), those after it are written all the same, as they would be in their own order.
    /// </remarks>
    public static List<CommitPart> Of(IReadOnlyList<CommitUnit> units, CommitResult?[] results)
    {
        List<Numbered<StartUnit>> starts = [];
        List<Numbered<CheckpointUnit>> checkpoints = [];
        List<Numbered<OutcomeUnit>> outcomes = [];
        List<Numbered<DebounceUnit>> debounces = [];
        List<CommitPart> singles = [];
        List<CommitPart> parks = [];
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
                case DebounceUnit debounce:
                    debounces.Add(new(number, debounce));
                    break;
                case ContinueUnit again:
                    singles.Add(new ContinuePart(new(number, again)));
                    break;
                case ParkUnit park:
                    parks.Add(new ParkPart(new(number, park)));
                    break;
                case var single:
                    singles.Add(OfSingle(number, single));
                    break;
            }
        }

        List<CommitPart> parts = [.. Joined(starts, checkpoints), .. InOneOrder(debounces), .. singles];
        if (outcomes.Count > 0)
        {
            parts.Add(new OutcomePart(outcomes));
        }

        return [.. parts, .. parks];
    }

    private static IEnumerable<CommitPart> Joined(List<Numbered<StartUnit>> starts, List<Numbered<CheckpointUnit>> checkpoints)
    {
        if (starts.Count > 0)
        {
            yield return new StartPart(starts);
        }

        if (checkpoints.Count > 0)
        {
            yield return new CheckpointPart(checkpoints);
        }
    }

    // Two processes that begin the same keys at once wait for each other: in one order, never in a circle. Those of one key stay in theirs.
    private static IEnumerable<DebouncePart> InOneOrder(List<Numbered<DebounceUnit>> debounces) => debounces
        .OrderBy(debounce => debounce.Unit.Row.Queue, StringComparer.Ordinal)
        .ThenBy(debounce => debounce.Unit.Row.DeduplicationId, StringComparer.Ordinal)
        .Select(debounce => new DebouncePart(debounce));

    private static SinglePart OfSingle(int number, CommitUnit single) => single switch
    {
        SendUnit send => new SendPart(new(number, send)),
        ReceiveUnit receive => new ReceivePart(new(number, receive)),
        EventUnit set => new EventPart(new(number, set)),
        StreamUnit stream => new StreamPart(new(number, stream)),
        var unknown => throw new System.Diagnostics.UnreachableException($"Unknown unit {unknown.GetType()}."),
    };
}

/// <summary>A unit and its place in the whole commit.</summary>
internal readonly record struct Numbered<TUnit>(int Number, TUnit Unit)
    where TUnit : CommitUnit;
