using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>Executes steps that run concurrently.</summary>
internal sealed class GroupExecution(RunScope run, StepExecutor steps)
{
    /// <remarks>
    /// A member's failure cancels the tokens of the others. That cancellation is never recorded, so after a crash a cancelled member counts
    /// as not run. Of several failures, the first in sequence order is the outcome, which a replay finds again.
    /// </remarks>
    public async ValueTask<StepEnd> AllAsync(Step step, IAllStep all, StepPlace place)
    {
        if (!Matches(all.Members, place.Slots))
        {
            return StepEnd.Broken;
        }

        using var siblings = new CancelSignal(place.Signal);
        using var turns = new AnnouncedReceives(run, all.Members, place.Slots);
        var sleeps = new GroupSleeps();
        var members = place.Part(place.Slots, siblings) with { Sleeps = sleeps };
        if (FailedAt(all, place.Slots) is { } failedAtMs)
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
        var starts = FirstNumbers(members);
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

    /// <summary>Checks all members before any begins: if code and history disagree about one, none may have an effect.</summary>
    public bool Matches(IReadOnlyList<Step> members, Slots slots)
    {
        var starts = FirstNumbers(members);
        for (var i = 0; i < starts.Length; i++)
        {
            if (!steps.Matches(members[i], slots.From(starts[i])))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a member of the group is recorded as failed, which fails the group.</summary>
    public bool HoldsFailure(IAllStep all, Slots slots) => FailedAt(all, slots) is not null;

    // When the first recorded failure completed; null if none is recorded.
    private long? FailedAt(Step step, Slots slots) => step switch
    {
        IAllStep group => FailedAt(group, slots),

        // Of a race, only the winner's failure counts, and only if the winner is not tolerant.
        IAnyStep race => AnyExecution.Winner(race, run.History.At(slots[step.Slots - 1])) is { } winner && !race.Members[winner].Tolerant
            ? FailedAt(race.Members[winner], slots.From(FirstNumbers(race.Members)[winner]))
            : null,
        IValueStep or IAwaitStep => FailedAt(slots, step.Slots) ?? UndecodableAt(step, slots.First),
        ICallStep => FailedAt(slots, step.Slots) ?? UndecodableAt(step, slots[1]),
        _ => FailedAt(slots, step.Slots),
    };

    private long? FailedAt(IAllStep all, Slots slots)
    {
        var starts = FirstNumbers(all.Members);
        var failed = all.Members.Select((member, i) => member.Tolerant ? null : FailedAt(member, slots.From(starts[i]))).Min();
        return failed ?? ToleratedAt(all, slots, starts);
    }

    // A group with a list of results also fails by a tolerant member, once all members have ended.
    private long? ToleratedAt(IAllStep all, Slots slots, int[] starts) =>
        all.NeedsEachResult
        && all.Members.Index().Any(member => member.Item.Tolerant && FailedAt(member.Item, slots.From(starts[member.Index])) is not null)
        && all.Members.Index().All(member => steps.IsRecorded(member.Item, slots.From(starts[member.Index])))
            ? Enumerable.Range(0, all.Members.Sum(member => member.Slots)).Max(i => run.History.At(slots[i])?.CompletedAtMs)
            : null;

    // A value from others is recorded as it was given. If it cannot be decoded, no row shows that the member failed.
    private long? UndecodableAt(Step step, int sequence) =>
        run.History.At(sequence) is { } row && ValueSteps.IsUndecodable(run, step, row) ? row.CompletedAtMs ?? long.MaxValue : null;

    private long? FailedAt(Slots slots, int count) => Enumerable.Range(0, count)
        .Select(i => run.History.At(slots[i]))
        .Min(row => row?.Error is null ? null : row.CompletedAtMs ?? long.MaxValue);

    /// <summary>Where each member's numbers begin, counted from the group's first.</summary>
    public static int[] FirstNumbers(IReadOnlyList<Step> members)
    {
        var starts = new int[members.Count];
        for (var i = 1; i < starts.Length; i++)
        {
            starts[i] = starts[i - 1] + members[i - 1].Slots;
        }

        return starts;
    }
}
