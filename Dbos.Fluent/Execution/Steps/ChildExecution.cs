using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Starts each child in one write with the parent's checkpoint, and finds it again by the recorded id.</summary>
internal sealed class ChildExecution(RunScope run, StepRecords records, StepCommits commits, IChildStarter starter)
{
    private readonly AwaitExecution awaits = new(run, records, commits);

    public async ValueTask<StepEnd> CallAsync(Step step, ICallStep call, StepPlace place)
    {
        var first = place.Part(place.Slots);
        var begun = await BeginAsync(step, call.Definition, call.Input, call.Options, first).ConfigureAwait(false);
        return begun.End == StepEnd.Completed
            ? await awaits.AwaitAsync(step, begun.ChildId!, place with { Slots = place.Slots.From(1) }).ConfigureAwait(false)
            : Settle(step, begun, first);
    }

    public async ValueTask<StepEnd> StartAsync(Step step, IStartStep start, StepPlace place)
    {
        var begun = await BeginAsync(step, start.Definition, start.Input, start.Options, place).ConfigureAwait(false);
        if (begun.End == StepEnd.Completed)
        {
            ((IHandleStep)step).CompleteWithHandle(begun.ChildId!, run.Environment.Handles);
        }

        return Settle(step, begun, place);
    }

    /// <remarks>
    /// All starts are submitted at once, so that they are written together and not one round trip each. A replay starts only the unrecorded
    /// ones. The first refusal in sequence order is the outcome.
    /// </remarks>
    public async ValueTask<StepEnd> StartManyAsync(Step step, IStartManyStep many, StepPlace place)
    {
        if (!records.Matches(step, place.Slots))
        {
            return StepEnd.Broken;
        }

        var begins = new Task<Begun>[many.Starts.Count];
        for (var i = 0; i < begins.Length; i++)
        {
            var (input, options) = many.Starts[i];
            begins[i] = BeginAsync(step, many.Definition, input, options, place.Part(place.Slots.From(i))).AsTask();
        }

        var all = await Task.WhenAll(begins).ConfigureAwait(false);
        if (Array.Find(all, begun => begun.End != StepEnd.Completed) is { } other)
        {
            return Settle(step, other, place);
        }

        many.CompleteWithHandles([.. all.Select(begun => begun.ChildId!)], run.Environment.Handles);
        return StepEnd.Completed;
    }

    public ValueTask<StepEnd> AwaitAsync(Step step, string workflowId, StepPlace place) => awaits.AwaitAsync(step, workflowId, place);

    public ValueTask<StepEnd> AwaitAnyAsync(Step step, IAwaitAnyStep any, StepPlace place) => awaits.AwaitAnyAsync(step, any, place);

    private StepEnd Settle(Step step, Begun begun, StepPlace place) =>
        begun.Refused is { } refused ? records.Restore(step, refused, place) : begun.End;

    private async ValueTask<Begun> BeginAsync(
        Step step, WorkflowDefinition definition, object? input, StartOptions options, StepPlace place)
    {
        if (!records.TryMatch(place.Slots.First, RecordedKind.Child, step.Name, out var row))
        {
            return new(StepEnd.Broken);
        }

        if (row is { Error: null, ChildId: { } recorded })
        {
            place.Facts.Saw(row.CompletedAtMs);
            return new(StepEnd.Completed, recorded);
        }

        if (row is not null)
        {
            return new(StepEnd.Failed, Refused: row);
        }

        return run.MayNotBegin(place.Signal)
            ? new(StepEnd.Stopped)
            : await BeginFirstAsync(step, definition, input, options, place).ConfigureAwait(false);
    }

    private async ValueTask<Begun> BeginFirstAsync(
        Step step, WorkflowDefinition definition, object? input, StartOptions options, StepPlace place)
    {
        var sequence = place.Slots.First;
        var childId = options.Id ?? run.ChildId(sequence);
        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(sequence, step.Name, now, now) { ChildId = childId };
        var child = new ChildStart(definition, input, options with { Id = childId }, run.Owner, run.Work.DeadlineMs, row)
        {
            IsIdMade = options.Id is null,
        };
        try
        {
            // A start that finishes a member of a race passes the gate by a separate row: the child has begun, whichever member wins.
            var result = await starter.StartAsync(child).ConfigureAwait(false);
            if (result is { Status: CommitStatus.Written or CommitStatus.Attached, ParentMovedOn: false })
            {
                run.Stored(sequence);
                place.Facts.Saw(now);
                return new(StepEnd.Completed, childId);
            }

            return await RefusedAsync(step, row, place, result, child).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new(StepEnd.Stopped);
        }
        catch (Exception exception) when (StartRefusals.IsRefusal(exception))
        {
            return await FailAsync(row, place, exception).ConfigureAwait(false);
        }
    }

    private async ValueTask<Begun> RefusedAsync(
        Step step, CheckpointRow row, StepPlace place, CommitResult result, ChildStart start)
    {
        if (result.Status == CommitStatus.NotOwned || result.ParentMovedOn)
        {
            await run.LoseAsync().ConfigureAwait(false);
            return new(StepEnd.Stopped);
        }

        if (StartRefusals.AttachedId(result, row.ChildId!, step.Name, start.Options) is { } holder)
        {
            // The parent's row names the holder and is written alone, as no child was started that it must go with.
            var stored = await commits.StoreAsync(row with { ChildId = holder }, place).ConfigureAwait(false);
            place.Facts.Saw(row.CompletedAtMs);
            return stored ? new(StepEnd.Completed, holder) : new(StepEnd.Stopped);
        }

        // The refusal is the step's outcome: a replay gives it again without asking the database.
        var exception = start.IsIdMade && result is { Status: CommitStatus.IdInUse, Existing: { } stranger }
            ? WorkflowIdInUseException.OfChild(stranger.Id, run.Work.Id, stranger.Name, stranger.State)
            : StartRefusals.ToException(result, start.Options, step.Name);
        return await FailAsync(row, place, exception).ConfigureAwait(false);
    }

    private async ValueTask<Begun> FailAsync(CheckpointRow row, StepPlace place, Exception exception)
    {
        var failed = commits.FailedRow(row, exception);
        return await commits.StoreAsync(failed, place).ConfigureAwait(false) ? new(StepEnd.Failed, Refused: failed) : new(StepEnd.Stopped);
    }

    /// <summary>The result of one start.</summary>
    /// <param name="End">How it ended.</param>
    /// <param name="ChildId">The child's id; null if there is none.</param>
    /// <param name="Refused">
    /// The row of a failed start. The step does not have it yet: it gets the first refusal in sequence order, not the fastest.
    /// </param>
    private sealed record Begun(StepEnd End, string? ChildId = null, CheckpointRow? Refused = null);
}
