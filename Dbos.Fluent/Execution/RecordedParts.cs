using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Execution;

/// <summary>
/// What losers of a race have done by the time it was decided: the recorded steps of a group among them. No body sees them, but they stand,
/// and are undone if the workflow fails.
/// </summary>
internal sealed class RecordedParts(RunScope run)
{
    /// <summary>Recalls what a replay does not restore.</summary>
    /// <param name="any">The race.</param>
    /// <param name="slots">Its numbers.</param>
    /// <param name="except">The winner, which is restored; null where there is none.</param>
    /// <returns>False where a result cannot be read: the run is broken then.</returns>
    public bool Recall(IAnyStep any, Slots slots, int? except) => Recall(any.Members, slots, except);

    private bool Recall(IReadOnlyList<Step> members, Slots slots, int? except)
    {
        var starts = GroupExecution.FirstNumbers(members);
        return starts.Index().All(start => start.Index == except || Recall(members[start.Index], slots.From(start.Item)));
    }

    private bool Recall(Step member, Slots slots) => member switch
    {
        IAllStep all => Recall(all.Members, slots, except: null),
        IAnyStep any => Recall(any.Members, slots, except: null),
        ICompensableStep { Undo: { } undo } => Recall(member, slots, undo),
        _ => true,
    };

    private bool Recall(Step member, Slots slots, Func<StepContext, object?, Task> undo)
    {
        // A child's result stands under the last of its numbers.
        if (run.History.At(slots[member.Slots - 1]) is not { Error: null } row)
        {
            return true;
        }

        try
        {
            var result = run.Environment.Serializer.Decode(new Payload(row.Output, row.Format), member.ResultType);
            run.Undos.Add(new Undo(slots.First, member, result, undo));
            return true;
        }
        catch (SerializationFailedException) when (member is ICallStep)
        {
            // What others gave and nobody can decode has failed the step: there is nothing to undo.
            return true;
        }
        catch (SerializationFailedException exception)
        {
            run.Break(exception);
            return false;
        }
    }
}
