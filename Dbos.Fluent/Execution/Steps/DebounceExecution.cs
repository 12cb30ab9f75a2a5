using Dbos.Fluent.Definitions;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Executes the debounced starts of a run. The parent's row, written with the start or the postponement, names the workflow that is to run.
/// </summary>
internal sealed class DebounceExecution(RunScope run, StepRecords records, StepCommits commits, IChildStarter starter)
{
    public async ValueTask<StepEnd> DebounceAsync(Step step, IDebounceStep debounce, StepPlace place)
    {
        if (!records.TryMatch(place.Slots.First, RecordedKind.BuiltIn, step.Name, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is { Error: null, ChildId: { } recorded })
        {
            place.Facts.Saw(row.CompletedAtMs);
            return Complete(step, recorded);
        }

        if (row is not null)
        {
            return records.Restore(step, row, place);
        }

        return run.MayNotBegin(place.Signal) ? StepEnd.Stopped : await BeginAsync(step, debounce, place).ConfigureAwait(false);
    }

    private async ValueTask<StepEnd> BeginAsync(Step step, IDebounceStep debounce, StepPlace place)
    {
        var sequence = place.Slots.First;
        var now = run.Environment.Clock.NowMs;
        var options = debounce.Options with { Id = debounce.Options.Id ?? run.ChildId(sequence) };
        var row = new CheckpointRow(sequence, step.Name, now, now) { ChildId = options.Id };
        try
        {
            var child = new ChildStart(debounce.Definition, debounce.Input, options, run.Owner, null, row with { ChildId = null });
            return await EndAsync(step, debounce, place, row, options, await starter.DebounceAsync(child, debounce.Call)
                .ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return StepEnd.Stopped;
        }
        catch (Exception exception) when (StartRefusals.IsRefusal(exception))
        {
            return await commits.FailAsync(step, row with { ChildId = null }, place, exception).ConfigureAwait(false);
        }
    }

    private async ValueTask<StepEnd> EndAsync(
        Step step, IDebounceStep debounce, StepPlace place, CheckpointRow row, StartOptions options, CommitResult result)
    {
        if (result.Status == CommitStatus.NotOwned || result.ParentMovedOn)
        {
            await run.LoseAsync().ConfigureAwait(false);
            return StepEnd.Stopped;
        }

        var given = Debouncing.Complete(options, debounce.Call, debounce.Definition);
        var standing = Debouncing.StandingId(result, given, debounce.Definition.Name)
            ?? throw StartRefusals.ToException(result, given, debounce.Definition.Name, debounced: true);
        if (result.Status is CommitStatus.Written or CommitStatus.Attached)
        {
            run.Stored(row.Sequence);
        }
        else if (!await commits.StoreAsync(row with { ChildId = standing }, place).ConfigureAwait(false))
        {
            return StepEnd.Stopped;
        }

        place.Facts.Saw(row.CompletedAtMs);
        return Complete(step, standing);
    }

    private StepEnd Complete(Step step, string workflowId)
    {
        ((IHandleStep)step).CompleteWithHandle(workflowId, run.Environment.Handles);
        return StepEnd.Completed;
    }
}
