using System.Diagnostics;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Executes one yielded step: restores it if the history holds it, otherwise runs it and stores its outcome.</summary>
internal sealed class StepExecutor
{
    private readonly RunScope run;
    private readonly SleepExecution sleeps;
    private readonly ChildExecution children;
    private readonly GroupExecution groups;

    public StepExecutor(RunScope run, IChildStarter starter)
    {
        this.run = run;
        sleeps = new SleepExecution(run, this);
        children = new ChildExecution(run, this, starter);
        groups = new GroupExecution(run, this);
    }

    public ValueTask<StepEnd> ExecuteAsync(Step step, Slots slots, CancelSignal signal) => step switch
    {
        IRunStep body => RunAsync(step, body, slots.First, signal),
        IAllStep all => groups.AllAsync(step, all, slots, signal),
        SleepStep sleep => sleeps.SleepAsync(sleep, slots.First, signal),
        ICallStep call => children.CallAsync(step, call, slots, signal),
        IStartStep start => children.StartAsync(step, start, slots.First, signal),
        IAwaitStep await => children.AwaitAsync(step, await.WorkflowId, slots.First, signal),
        _ => throw new UnreachableException($"No execution for {step.GetType()}."),
    };

    /// <summary>Whether what is recorded at this step's numbers, if anything, is this step; where it is not, the run is broken.</summary>
    public bool Matches(Step step, Slots slots) => step switch
    {
        IRunStep => TryMatch(slots.First, StepKind.Run, step.Name, out _),
        ICallStep => TryMatch(slots[0], StepKind.Child, step.Name, out _)
            && TryMatch(slots[1], StepKind.BuiltIn, BuiltInNames.GetResult, out _),
        IStartStep => TryMatch(slots.First, StepKind.Child, step.Name, out _),
        SleepStep or IAwaitStep => TryMatch(slots.First, StepKind.BuiltIn, step.Name, out _),
        // Any other is matched when it is executed.
        _ => true,
    };

    /// <summary>The recorded row at a number, if it is of this kind and name.</summary>
    /// <param name="sequence">The number.</param>
    /// <param name="kind">The kind the code yielded.</param>
    /// <param name="name">The name the code yielded.</param>
    /// <param name="row">The row; null where nothing is recorded.</param>
    /// <returns>False where another step is recorded: the run is broken then.</returns>
    public bool TryMatch(int sequence, StepKind kind, string name, out CheckpointRow? row)
    {
        row = run.History.At(sequence);
        if (row is null)
        {
            return true;
        }

        var recorded = StepKinds.Of(row);
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
    public StepEnd Restore(Step step, CheckpointRow row)
    {
        run.Facts.Saw(row.CompletedAtMs);
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
            return run.Break(exception);
        }
    }

    /// <summary>Stores a row of this run.</summary>
    /// <returns>False if the run no longer owns its workflow, or the engine has stopped.</returns>
    public async ValueTask<bool> StoreAsync(CheckpointRow row)
    {
        try
        {
            var result = await run.Environment.Checkpointer.WriteAsync(new CheckpointUnit(run.Owner, [row])).ConfigureAwait(false);
            if (result.Status == CommitStatus.Written)
            {
                return true;
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        // Somebody else has the workflow now: whatever else this run does is for nothing.
        run.Stop.Fire(CancellationReason.Shutdown);
        return false;
    }

    private ValueTask<StepEnd> RunAsync(Step step, IRunStep body, int sequence, CancelSignal signal)
    {
        if (!TryMatch(sequence, StepKind.Run, step.Name, out var row))
        {
            return new(StepEnd.Broken);
        }

        return row is not null ? new(Restore(step, row)) : RunFirstAsync(step, body, sequence, signal);
    }

    private async ValueTask<StepEnd> RunFirstAsync(Step step, IRunStep body, int sequence, CancelSignal signal)
    {
        if (run.MayNotBegin(signal))
        {
            return StepEnd.Stopped;
        }

        run.BodyBegins();
        try
        {
            return await RunAndStoreAsync(step, body, sequence, signal).ConfigureAwait(false);
        }
        finally
        {
            run.BodyEnded();
        }
    }

    private async ValueTask<StepEnd> RunAndStoreAsync(Step step, IRunStep body, int sequence, CancelSignal signal)
    {
        var startedAtMs = run.Environment.Clock.NowMs;
        var end = await new StepRunner(run, step, body, sequence, signal).RunAsync().ConfigureAwait(false);
        if (end.IsStopped)
        {
            return StepEnd.Stopped;
        }

        var row = Encode(step, sequence, startedAtMs, end, out var decoded);
        if (!await StoreAsync(row).ConfigureAwait(false))
        {
            return StepEnd.Stopped;
        }

        if (row.Error is null)
        {
            run.Facts.Saw(row.CompletedAtMs);
            step.Complete(decoded);
            return StepEnd.Completed;
        }

        var restored = Restore(step, row);
        if (step.RecordedError is { } failure && end.Exception is { } exception)
        {
            run.Original = (failure, exception);
        }

        return restored;
    }

    /// <summary>The row of a step that ran. A result that cannot be stored, or not be read back, is a failure of the step.</summary>
    private CheckpointRow Encode(Step step, int sequence, long startedAtMs, StepAttempts end, out object? decoded)
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
                return new(sequence, step.Name, output.Text, null, output.Format, null, startedAtMs, completedAtMs);
            }
            catch (SerializationFailedException exception)
            {
                failure = Failures.Record(exception);
            }
        }

        var error = serializer.EncodeFailure(failure, PayloadFormat.MessagePack);
        return new(sequence, step.Name, null, error.Text, error.Format, null, startedAtMs, completedAtMs);
    }
}
