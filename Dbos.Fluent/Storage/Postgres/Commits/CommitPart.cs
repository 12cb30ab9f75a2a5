using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>
/// The units of one kind in a commit, or a single unit: one statement writes them, and another asks about those it did not write.
/// </summary>
internal abstract class CommitPart
{
    /// <summary>A lock to take in an earlier statement, if locks are waited for; null if none is needed.</summary>
    public virtual NpgsqlBatchCommand? RenderLock(CommitSql sql) => null;

    /// <summary>The writing statement with its parameters.</summary>
    public abstract NpgsqlBatchCommand Render(CommitSql sql, NpgsqlParameter now);

    /// <summary>Reads one row of the writing statement's answer.</summary>
    public abstract void Take(NpgsqlDataReader row, CommitResult?[] results);

    /// <summary>The asking statement for the units that have no result yet; null if all have one.</summary>
    public abstract NpgsqlBatchCommand? RenderQuestion(StandingSql sql, CommitResult?[] results);

    /// <summary>Reads one row of the asking statement's answer; a unit that still has no result is written again.</summary>
    public abstract void TakeAnswer(NpgsqlDataReader row, CommitResult?[] results);

    /// <summary>
    /// Sorts units by kind: starts, checkpoints, units with a statement of their own, and last the units that give the row up. That keeps
    /// the order of a workflow's own units as far as it matters.
    /// </summary>
    /// <remarks>
    /// A start or checkpoint that came after a single unit of its workflow moves before it. All are in one transaction, so nobody sees one
    /// without the other, and none reads what another writes. If the single unit is not written because of what it finds (no message, a
    /// closed stream, no destination), those after it are written all the same, as they would be in their own order.
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

    // Two processes that begin the same keys at once wait for each other: one order prevents a deadlock. Calls of one key stay in order.
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
