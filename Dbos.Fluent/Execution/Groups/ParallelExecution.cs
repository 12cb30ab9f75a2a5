using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Execution;

/// <summary>Executes the concurrent branches of a fluent definition, each driven step by step.</summary>
/// <remarks>
/// With <c>k</c> branches, slot <c>j</c> of branch <c>i</c> is <c>base + i + k·j</c>, so that a branch's numbers do not depend on the
/// progress of the others. All branches restore what is recorded before any of them begins something new: a replay that finds a recorded
/// failure must not start what was never started.
/// </remarks>
internal sealed class ParallelExecution(RunScope run, StepExecutor steps, RecordedEnds recorded)
{
    public async ValueTask<StepEnd> ParallelAsync(Step step, IParallelStep parallel, StepPlace place)
    {
        var count = parallel.Branches.Count;
        using var siblings = new CancelSignal(place.Signal);
        var restored = new RestoredMeeting(count, place.Restored);
        using var branches = run.Waits.Fork(count);
        RunFacts[] facts = [.. parallel.Branches.Select((_, index) => place.Facts.Branch(place.Slots[index]))];
        var ends = await Task.WhenAll(parallel.Branches.Select((branch, index) =>
        {
            var slots = new Slots(place.Slots[index], place.Slots.Stride * count);
            var own = place.Part(slots, siblings) with { Facts = facts[index], Restored = restored.Join() };
            return DriveAsync(branch, own, branches);
        })).ConfigureAwait(false);
        place.Facts.Join(facts);

        parallel.SlotsTaken = ends
            .Select((end, index) => end.Steps == 0 ? 0 : index + (count * (end.Steps - 1)) + 1)
            .DefaultIfEmpty()
            .Max();
        return End(step, ends);
    }

    private StepEnd End(Step step, BranchEnd[] ends)
    {
        // What a branch's code threw then says nothing, nor what other branches did.
        if (run.Broken is not null || ends.Any(end => end.End == StepEnd.Broken))
        {
            return StepEnd.Broken;
        }

        // Of several failures, the first in sequence order counts: a replay finds it again, whichever came first in time.
        if (ends.Where(end => end.Failure is not null).MinBy(end => end.FailedAt) is { } failed)
        {
            step.Fail(failed.Failure!, failed.Exception!);
            return StepEnd.Failed;
        }

        if (ends.Any(end => end.End == StepEnd.Stopped))
        {
            return StepEnd.Stopped;
        }

        step.Complete(default(Unit));
        return StepEnd.Completed;
    }

    private async Task<BranchEnd> DriveAsync(ParallelBranch branch, StepPlace place, RunWaits.Branches branches)
    {
        // The user's code before the first step must not keep the other branches from beginning.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var arrival = place.Restored!;
        var taken = 0;
        try
        {
            var body = branch.Open(new WorkflowContext(place.Facts));
            while (await body.MoveNextAsync().ConfigureAwait(false) && body.Step is { } step)
            {
                step.Bind(run);
                var slots = place.Slots.From(taken);
                var isNew = step is not IParallelStep && !recorded.IsRecorded(step, slots);

                // Announced before the meeting, so that it does not matter which branch leaves the meeting first.
                using var turns = isNew && step is IReceiveStep or IAllStep or IAnyStep ? new AnnouncedReceives(run, [step], slots) : null;
                if (isNew)
                {
                    await arrival.MeetAsync().ConfigureAwait(false);
                }

                var end = await steps.ExecuteAsync(step, place with { Slots = slots }).ConfigureAwait(false);
                taken += step.Slots;
                if (end == StepEnd.Completed || (end == StepEnd.Failed && step.Tolerant))
                {
                    continue;
                }

                return Stop(end, step, slots, taken, place);
            }

            return new BranchEnd(StepEnd.Completed, taken);
        }
        catch (StoreSchemaException)
        {
            // Not the workflow's fault: the run ends and is tried again. A branch that waits forever would keep it from ending.
            place.Signal.Fire(CancellationReason.Cancelled);
            throw;
        }
        catch (Exception exception)
        {
            // The user's code between a branch's steps threw. That fails the workflow, as it does outside of branches.
            place.Signal.Fire(CancellationReason.Cancelled);
            return new BranchEnd(StepEnd.Failed, taken, Failures.Record(exception), exception, place.Slots[taken]);
        }
        finally
        {
            arrival.Leave();
            if (!place.Signal.IsFired)
            {
                branches.Leave();
            }
        }
    }

    private static BranchEnd Stop(StepEnd end, Step step, Slots slots, int taken, StepPlace place)
    {
        if (end != StepEnd.Stopped)
        {
            place.Signal.Fire(CancellationReason.Cancelled);
        }

        return end == StepEnd.Failed
            ? new BranchEnd(end, taken, step.RecordedError, step.RecordedException, slots.First)
            : new BranchEnd(end, taken);
    }

    /// <summary>How a branch ended, and how many numbers of its own it used.</summary>
    private sealed record BranchEnd(
        StepEnd End, int Steps, RecordedFailure? Failure = null, Exception? Exception = null, int FailedAt = int.MaxValue);
}
