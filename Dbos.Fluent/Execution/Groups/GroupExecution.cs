using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>Executes steps that run concurrently.</summary>
internal sealed class GroupExecution(RunScope run, StepExecutor steps, StepRecords records, RecordedEnds recorded)
{
    /// <remarks>
    /// A member's failure cancels the tokens of the others. That cancellation is never recorded, so after a crash a cancelled member counts
    /// as not run. Of several failures, the first in sequence order is the outcome, which a replay finds again.
    /// </remarks>
    public async ValueTask<StepEnd> AllAsync(Step step, IAllStep all, StepPlace place)
    {
        if (!records.Matches(all.Members, place.Slots))
        {
            return StepEnd.Broken;
        }

        using var siblings = new CancelSignal(place.Signal);
        using var turns = new AnnouncedReceives(run, all.Members, place.Slots);
        var sleeps = new GroupSleeps();
        var members = place.Part(place.Slots, siblings) with { Sleeps = sleeps };
        if (recorded.FailedAt(all, place.Slots) is { } failedAtMs)
        {
            // A replay that finds a recorded failure starts no unrecorded member: it only restores stored outcomes.
            siblings.Fire(CancellationReason.Cancelled);
            members = members with { SettledAtMs = Math.Min(failedAtMs, place.SettledAtMs ?? failedAtMs), IsDecided = true };
        }

        var end = End(step, all, await RunMembersAsync(all, members).ConfigureAwait(false));
        if (end == StepEnd.Completed)
        {
            place.Woke(sleeps.LatestMs);
        }
        else if (end == StepEnd.Failed)
        {
            all.ClearUnrecordedMembers(run);
        }

        return end;
    }

    private static StepEnd End(Step step, IAllStep all, StepEnd[] ends)
    {
        if (ends.Contains(StepEnd.Broken))
        {
            return StepEnd.Broken;
        }

        for (var i = 0; i < ends.Length; i++)
        {
            if (ends[i] == StepEnd.Failed && !all.Members[i].Tolerant)
            {
                FailAs(step, all.Members[i]);
                return StepEnd.Failed;
            }
        }

        if (ends.Contains(StepEnd.Stopped))
        {
            return StepEnd.Stopped;
        }

        try
        {
            all.Gather();
            return StepEnd.Completed;
        }
        catch (DbosException) when (ends.Contains(StepEnd.Failed))
        {
            // A tolerant member of a typed group failed: there is no list of results, and the group fails as that member did.
            FailAs(step, all.Members[Array.IndexOf(ends, StepEnd.Failed)]);
            return StepEnd.Failed;
        }
    }

    private static void FailAs(Step group, Step member) => group.Fail(member.RecordedError!, member.RecordedException!);

    private async Task<StepEnd[]> RunMembersAsync(IAllStep all, StepPlace place)
    {
        var members = all.Members;
        var ends = new StepEnd[members.Count];
        Array.Fill(ends, StepEnd.Stopped);
        var starts = Slots.FirstNumbers(members);
        var next = 0;
        var interrupted = false;
        var workers = new Task[Math.Min(members.Count, all.MaxParallel)];
        using var branches = run.Waits.Fork(workers.Length);

        async Task RunSomeAsync()
        {
            // A body that blocks its thread must not keep the others from beginning.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            for (var i = Interlocked.Increment(ref next) - 1;
                i < members.Count && !Volatile.Read(ref interrupted);
                i = Interlocked.Increment(ref next) - 1)
            {
                ends[i] = await ExecuteAsync(members[i], place with { Slots = place.Slots.From(starts[i]) }).ConfigureAwait(false);
                if (ends[i] is StepEnd.Broken || (ends[i] is StepEnd.Failed && !members[i].Tolerant))
                {
                    place.Signal.Fire(CancellationReason.Cancelled);
                }

                // After the shutdown has interrupted a member, the group cannot end in this run. It continues elsewhere with that member.
                // Members that have not begun begin there, with a token that has not fired.
                if (ends[i] == StepEnd.Stopped && place.Signal.Reason == CancellationReason.Shutdown)
                {
                    Volatile.Write(ref interrupted, true);
                }
            }

            if (!place.Signal.IsFired)
            {
                branches.Leave();
            }
        }

        for (var i = 0; i < workers.Length; i++)
        {
            workers[i] = RunSomeAsync();
        }

        await Task.WhenAll(workers).ConfigureAwait(false);
        return ends;
    }

    private async ValueTask<StepEnd> ExecuteAsync(Step member, StepPlace place)
    {
        try
        {
            return await steps.ExecuteAsync(member, place).ConfigureAwait(false);
        }
        catch
        {
            // The store failed for good, which ends the run. A sibling that waits forever would keep it from ending.
            place.Signal.Fire(CancellationReason.Cancelled);
            throw;
        }
    }
}
