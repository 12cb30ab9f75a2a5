using System.Diagnostics;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Executes one yielded step: restores it if the history holds it, otherwise runs it and stores its outcome.</summary>
internal sealed class StepExecutor
{
    private readonly RunScope run;
    private readonly SleepExecution sleeps;
    private readonly ChildExecution children;
    private readonly DebounceExecution debounces;
    private readonly GroupExecution groups;
    private readonly AnyExecution races;
    private readonly ParallelExecution branches;
    private readonly SendExecution sends;
    private readonly ReceiveExecution receives;
    private readonly LookExecution looks;
    private readonly PatchExecution patches;

    public StepExecutor(RunScope run, IChildStarter starter)
    {
        this.run = run;
        sleeps = new SleepExecution(run, this);
        children = new ChildExecution(run, this, starter);
        debounces = new DebounceExecution(run, this, starter);
        groups = new GroupExecution(run, this);
        races = new AnyExecution(run, this);
        branches = new ParallelExecution(run, this);
        sends = new SendExecution(run, this);
        receives = new ReceiveExecution(run, this);
        looks = new LookExecution(run, this);
        patches = new PatchExecution(run, this);
    }

    public async ValueTask<StepEnd> ExecuteAsync(Step step, StepPlace place)
    {
        if (run.Broken is not null)
        {
            // The code has read a value that cannot be decoded, and continued nevertheless.
            return StepEnd.Broken;
        }

        var end = await ExecuteKindAsync(step, place).ConfigureAwait(false);
        if (end == StepEnd.Completed && step is ICompensableStep { Undo: { } undo })
        {
            var result = step.Unreadable is { } unreadable ? new UnreadableResult(unreadable) : step.ResultValue;
            run.Undos.Add(new Undo(place.Slots.First, step, result, undo));
        }

        return end;
    }

    private ValueTask<StepEnd> ExecuteKindAsync(Step step, StepPlace place) => step switch
    {
        IRunStep body => RunAsync(step, body, place),
        IAllStep all => groups.AllAsync(step, all, place),
        SleepStep sleep => sleeps.SleepAsync(sleep, place),
        ICallStep call => children.CallAsync(step, call, place),
        IStartStep start => children.StartAsync(step, start, place),
        IStartManyStep many => children.StartManyAsync(step, many, place),
        IDebounceStep debounce => debounces.DebounceAsync(step, debounce, place),
        IAwaitStep await => children.AwaitAsync(step, await.WorkflowId, place),
        IAwaitAnyStep first => children.AwaitAnyAsync(step, first, place),
        ISendStep send => sends.SendAsync(step, send, place),
        IReceiveStep receive => receives.ReceiveAsync(step, receive, place),
        ISetEventStep set => sends.SetEventAsync(step, set, place),
        IGetEventStep get => looks.GetEventAsync(step, get, place),
        IWriteStreamStep write => sends.WriteStreamAsync(step, write, place),
        ICloseStreamStep close => sends.CloseStreamAsync(step, close, place),
        IReadStreamStep read => looks.ReadStreamAsync(step, read, place),
        IAnyStep any => races.AnyAsync(step, any, place),
        IPatchStep patch => patches.PatchAsync(step, patch, place),
        IParallelStep parallel => branches.ParallelAsync(step, parallel, place),
        _ => throw new UnreachableException($"No execution for {step.GetType()}."),
    };

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
        IAnyStep any => groups.Matches(any.Members, slots)
            && TryMatch(slots[step.Slots - 1], RecordedKind.BuiltIn, BuiltInNames.Any, out _),
        IAllStep all => groups.Matches(all.Members, slots),
        // The steps of the branches are not known before they run.
        IParallelStep => true,
        _ => TryMatch(slots.First, RecordedKind.BuiltIn, step.Name, out _),
    };

    /// <summary>Whether a step needs only the history. False is safe: the step then finds out by itself.</summary>
    public bool IsRecorded(Step step, Slots slots) => step switch
    {
        IParallelStep => false,
        SleepStep => sleeps.IsOver(slots.First),
        IAnyStep => run.History.At(slots[step.Slots - 1]) is not null,
        IAllStep all => groups.HoldsFailure(all, slots) || GroupExecution.FirstNumbers(all.Members).Index()
            .All(first => IsRecorded(all.Members[first.Index], slots.From(first.Item))),
        ICallStep or IStartManyStep => Enumerable.Range(0, step.Slots).All(i => run.History.At(slots[i]) is not null),
        _ => run.History.At(slots.First) is not null,
    };

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

    /// <summary>Stores a row of this run.</summary>
    /// <param name="row">The row.</param>
    /// <param name="place">The step that writes it.</param>
    /// <param name="finishes">Whether the step is finished by it.</param>
    /// <returns>False if the step must stop: see <see cref="CommitAsync"/>.</returns>
    public async ValueTask<bool> StoreAsync(CheckpointRow row, StepPlace place, bool finishes = true) =>
        await CommitAsync(rows => new CheckpointUnit(run.Owner, [row, .. rows]), place, finishes).ConfigureAwait(false) is not null;

    /// <summary>Writes something of this run.</summary>
    /// <param name="make">Makes the unit, with rows that go with it.</param>
    /// <param name="place">The step that writes it.</param>
    /// <param name="finishes">Whether the step is finished by it.</param>
    /// <returns>
    /// The result; null if the step must stop. It must stop if the run no longer owns its workflow, the engine has stopped, or another
    /// member of the race has won.
    /// </returns>
    public async ValueTask<CommitResult?> CommitAsync(
        Func<IReadOnlyList<CheckpointRow>, CommitUnit> make, StepPlace place, bool finishes = true) => place.Race is null
        ? await WriteAsync(make([])).ConfigureAwait(false)
        : await place.Race.CommitAsync(make, finishes, WriteAsync, () => run.Environment.Clock.NowMs).ConfigureAwait(false);

    private async ValueTask<CommitResult?> WriteAsync(CommitUnit unit)
    {
        try
        {
            var result = await run.Environment.Checkpointer.WriteAsync(unit).ConfigureAwait(false);
            if (result.Status != CommitStatus.NotOwned)
            {
                if (result.Status == CommitStatus.Written)
                {
                    run.Stored(unit.HighestSequence);
                }

                if (!result.MovedOn)
                {
                    return result;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        // The run has lost its workflow, even if an earlier try wrote the unit: nothing that follows it may begin here.
        await run.LoseAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>Stores a failure of one of the step's own acts and gives it to the step; a replay gives it again.</summary>
    public async ValueTask<StepEnd> FailAsync(Step step, CheckpointRow row, StepPlace place, Exception exception)
    {
        var failed = FailedRow(row, exception);
        return await StoreAsync(failed, place).ConfigureAwait(false) ? Restore(step, failed, place) : StepEnd.Stopped;
    }

    /// <summary>Makes the row of a step that failed by one of its own acts.</summary>
    public CheckpointRow FailedRow(CheckpointRow row, Exception exception)
    {
        var error = run.Environment.Serializer.EncodeFailure(Failures.Record(exception), PayloadFormat.MessagePack);
        return row with { Output = null, Error = error.Text, Format = error.Format };
    }

    private ValueTask<StepEnd> RunAsync(Step step, IRunStep body, StepPlace place)
    {
        if (!TryMatch(place.Slots.First, RecordedKind.Run, step.Name, out var row))
        {
            return new(StepEnd.Broken);
        }

        return row is not null ? new(Restore(step, row, place)) : RunFirstAsync(step, body, place);
    }

    private async ValueTask<StepEnd> RunFirstAsync(Step step, IRunStep body, StepPlace place)
    {
        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        run.BodyBegins();
        try
        {
            return await RunAndStoreAsync(step, body, place).ConfigureAwait(false);
        }
        finally
        {
            run.BodyEnded();
        }
    }

    private async ValueTask<StepEnd> RunAndStoreAsync(Step step, IRunStep body, StepPlace place)
    {
        var sequence = place.Slots.First;
        var startedAtMs = run.Environment.Clock.NowMs;
        var end = await new StepRunner(run, step, body, sequence, place.Signal).RunAsync().ConfigureAwait(false);
        if (end.IsStopped)
        {
            return run.Broken is null ? StepEnd.Stopped : StepEnd.Broken;
        }

        var row = Encode(step, sequence, startedAtMs, end, out var decoded);
        if (row.Error is null && place.IsLast && body.Options.Undo is null)
        {
            // A step that can be undone must be stored before it may be undone.
            run.Last = row;
        }
        else if (!await StoreAsync(row, place).ConfigureAwait(false))
        {
            return StepEnd.Stopped;
        }

        if (row.Error is null)
        {
            place.Facts.Saw(row.CompletedAtMs);
            step.Complete(decoded);
            return StepEnd.Completed;
        }

        var restored = Restore(step, row, place);
        if (step.RecordedError is { } failure && end.Exception is { } exception)
        {
            run.Original = (failure, exception);
        }

        return restored;
    }

    /// <summary>Makes the row of a step that ran. A result that cannot be stored or read back is a failure of the step.</summary>
    private CheckpointRow Encode(Step step, int sequence, long startedAtMs, StepBodyOutcome end, out object? decoded)
    {
        decoded = null;
        var serializer = run.Environment.Serializer;
        var completedAtMs = run.Environment.Clock.NowMs;
        var failure = end.Failure;
        if (failure is null)
        {
            try
            {
                var output = serializer.Encode(end.Result, step.ResultType, PayloadFormat.MessagePack);
                decoded = serializer.Decode(output, step.ResultType);
                return new(sequence, step.Name, startedAtMs, completedAtMs) { Output = output.Text, Format = output.Format };
            }
            catch (SerializationFailedException exception)
            {
                failure = Failures.Record(SerializationFailure.At(
                    exception, run.Work.Id, $"The result of step {sequence} '{step.Name}' of workflow '{run.Work.Id}' cannot be stored"));
            }
        }

        var error = serializer.EncodeFailure(failure, PayloadFormat.MessagePack);
        return new(sequence, step.Name, startedAtMs, completedAtMs) { Error = error.Text, Format = error.Format };
    }
}
