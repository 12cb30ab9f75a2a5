using Dbos.Fluent.Definitions;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Decides which path a patched workflow takes, and marks the new one.</summary>
internal sealed class PatchExecution(RunScope run, StepCommits commits)
{
    public async ValueTask<StepEnd> PatchAsync(Step step, IPatchStep patch, StepPlace place)
    {
        var row = run.History.At(place.Slots.First);
        if (row is not null && string.Equals(row.Name, step.Name, StringComparison.Ordinal))
        {
            return Complete(step, patch, row, place);
        }

        // Later rows were written by code that passed here without the patch. This holds even if this number is free, because a member of a
        // group had not ended.
        if (patch.IsDeprecated || run.History.HoldsFrom(place.Slots))
        {
            return Complete(step, patch, null, place);
        }

        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        var now = run.Environment.Clock.NowMs;
        var marker = new CheckpointRow(place.Slots.First, step.Name, now, now);
        return await commits.StoreAsync(marker, place).ConfigureAwait(false) ? Complete(step, patch, marker, place) : StepEnd.Stopped;
    }

    private static StepEnd Complete(Step step, IPatchStep patch, CheckpointRow? marker, StepPlace place)
    {
        place.Facts.Saw(marker?.CompletedAtMs);
        patch.IsMarked = marker is not null;
        step.Complete(patch.IsDeprecated ? default(Unit) : marker is not null);
        return StepEnd.Completed;
    }
}
