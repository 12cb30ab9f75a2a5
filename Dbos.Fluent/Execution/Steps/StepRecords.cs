using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Compares the yielded steps with the history, and gives steps what is recorded of them.</summary>
internal sealed class StepRecords(RunScope run)
{
    /// <summary>Whether the rows at this step's numbers, if any, belong to this step; if they do not, the run is broken.</summary>
    public bool Matches(Step step, Slots slots) => step switch
    {
        IRunStep => TryMatch(slots.First, RecordedKind.Run, step.Name, out _),
        ICallStep => TryMatch(slots[0], RecordedKind.Child, step.Name, out _)
            && TryMatch(slots[1], RecordedKind.BuiltIn, BuiltInNames.GetResult, out _),
        IStartStep => TryMatch(slots.First, RecordedKind.Child, step.Name, out _),
        IStartManyStep many => Enumerable.Range(0, many.Starts.Count).All(i => TryMatch(slots[i], RecordedKind.Child, step.Name, out _)),
        IReceiveStep or IGetEventStep => TryMatch(slots[0], RecordedKind.BuiltIn, step.Name, out _)
            && TryMatch(slots[1], RecordedKind.BuiltIn, BuiltInNames.Sleep, out _),
        IAnyStep any => Matches(any.Members, slots)
            && TryMatch(slots[step.Slots - 1], RecordedKind.BuiltIn, BuiltInNames.Any, out _),
        IAllStep all => Matches(all.Members, slots),
        // The steps of the branches are not known before they run.
        IParallelStep => true,
        _ => TryMatch(slots.First, RecordedKind.BuiltIn, step.Name, out _),
    };

    /// <summary>Checks all members before any begins: if code and history disagree about one, none may have an effect.</summary>
    public bool Matches(IReadOnlyList<Step> members, Slots slots)
    {
        var starts = Slots.FirstNumbers(members);
        for (var i = 0; i < starts.Length; i++)
        {
            if (!Matches(members[i], slots.From(starts[i])))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Finds the recorded row at a number, if it is of this kind and name.</summary>
    /// <param name="sequence">The number.</param>
    /// <param name="kind">The kind the code yielded.</param>
    /// <param name="name">The name the code yielded.</param>
    /// <param name="row">The row; null if nothing is recorded.</param>
    /// <returns>False if another step is recorded; the run is then broken.</returns>
    public bool TryMatch(int sequence, RecordedKind kind, string name, out CheckpointRow? row)
    {
        row = run.History.At(sequence);
        if (row is null)
        {
            return true;
        }

        var recorded = RecordedKinds.Of(row);
        var sameName = string.Equals(row.Name, name, StringComparison.Ordinal);
        if (sameName && recorded == kind)
        {
            return true;
        }

        run.Break(new UnexpectedStepException(
            run.Work.Id,
            sequence,
            sameName ? $"{name} ({kind.Describe()})" : name,
            sameName ? $"{name} ({recorded.Describe()})" : row.Name));
        return false;
    }

    /// <summary>Gives a step its recorded outcome.</summary>
    public StepEnd Restore(Step step, CheckpointRow row, StepPlace place)
    {
        place.Facts.Saw(row.CompletedAtMs);
        if (row.Error is not null)
        {
            var failure = run.Environment.Serializer.DecodeFailure(new Payload(row.Error, row.Format));
            step.Fail(failure, Failures.ForStep(failure, run.Work.Id, row.Sequence, row.Name));
            return StepEnd.Failed;
        }

        try
        {
            step.Complete(run.Environment.Serializer.Decode(new Payload(row.Output, row.Format), step.ResultType));
            return StepEnd.Completed;
        }
        catch (SerializationFailedException exception)
        {
            var explained = SerializationFailure.At(
                exception,
                run.Work.Id,
                $"The recorded result of step {row.Sequence} '{row.Name}' of workflow '{run.Work.Id}' cannot be decoded");
            return place.IsDecided ? CompleteUnread(step, explained) : run.Break(explained);
        }
    }

    // If the code reads the value after all, the history is no longer reliable, even if the code ignores the exception.
    private StepEnd CompleteUnread(Step step, SerializationFailedException exception)
    {
        step.CompleteUnreadable(() =>
        {
            run.Break(exception);
            return exception;
        });
        return StepEnd.Completed;
    }
}
