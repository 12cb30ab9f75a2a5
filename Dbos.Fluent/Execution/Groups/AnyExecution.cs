using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Executes steps of which only the first to finish counts.</summary>
/// <remarks>
/// The winner's checkpoint and the row that names the winner are one write. After it no loser commits or consumes anything; the losers are
/// cancelled and awaited. A replay reads that row first. It restores the winner, and what the losers had stored by then. Finished steps of
/// a losing group stay valid, and are undone if the workflow fails.
/// </remarks>
internal sealed class AnyExecution(RunScope run, StepExecutor steps, StepRecords records, StepCommits commits)
{
    public async ValueTask<StepEnd> AnyAsync(Step step, IAnyStep any, StepPlace place)
    {
        if (!records.Matches(step, place.Slots))
        {
            return StepEnd.Broken;
        }

        var row = run.History.At(place.Slots[step.Slots - 1]);
        return row is null
            ? await RaceAsync(step, any, place).ConfigureAwait(false)
            : await RestoreAsync(step, any, place, row).ConfigureAwait(false);
    }

    /// <summary>The winner that a row names; null if it names none.</summary>
    public static int? Winner(IAnyStep any, CheckpointRow? row) =>
        int.TryParse(row?.Output, CultureInfo.InvariantCulture, out var winner) && winner >= 0 && winner < any.Members.Count
            ? winner
            : null;

    private async ValueTask<StepEnd> RestoreAsync(Step step, IAnyStep any, StepPlace place, CheckpointRow row)
    {
        if (Winner(any, row) is not { } winner)
        {
            return run.Break(new UnexpectedStepException(
                run.Work.Id,
                row.Sequence,
                $"{row.Name} (of {any.Members.Count.ToString(CultureInfo.InvariantCulture)} members)",
                $"{row.Name} (won by member {row.Output})"));
        }

        if (!await RestorePartsAsync(any, place with { SettledAtMs = row.CompletedAtMs }, except: winner).ConfigureAwait(false))
        {
            return StepEnd.Broken;
        }

        // The winner had ended before the row was written, even if the clock was set back in between.
        var first = place.Slots.From(Slots.FirstNumbers(any.Members)[winner]);
        var part = place.Part(first) with { SettledAtMs = long.MaxValue, Sleeps = null };
        var end = await steps.ExecuteAsync(any.Members[winner], part).ConfigureAwait(false);
        place.Facts.Saw(row.CompletedAtMs);
        return End(step, any, winner, end);
    }

    private async ValueTask<StepEnd> RaceAsync(Step step, IAnyStep any, StepPlace place)
    {
        if (run.MayNotBegin(place.Signal))
        {
            return await RestorePartsAsync(any, place, except: null).ConfigureAwait(false) ? StepEnd.Stopped : StepEnd.Broken;
        }

        using var race = new Race(place.Slots[step.Slots - 1], run.Environment.Clock.NowMs);
        using var losers = new CancelSignal(place.Signal);
        await using var told = race.Won.UnsafeRegister(
            static signal => ((CancelSignal)signal!).Fire(CancellationReason.Cancelled), losers).ConfigureAwait(false);
        var starts = Slots.FirstNumbers(any.Members);
        using var turns = new AnnouncedReceives(run, any.Members, place.Slots);
        using var branches = run.Waits.Fork(any.Members.Count);
        RunFacts[] facts = [.. starts.Select(start => place.Facts.Branch(place.Slots[start]))];
        var ends = await Task.WhenAll(any.Members.Select((member, index) => RunAsync(
            member, new StepPlace(place.Slots.From(starts[index]), losers, facts[index], new RaceMember(race, index, place.Race)))))
            .ConfigureAwait(false);
        if (ends.Contains(StepEnd.Broken))
        {
            return StepEnd.Broken;
        }

        if (race.Winner is not { } winner)
        {
            return StepEnd.Stopped;
        }

        ClearUnrecorded(any, except: winner);

        // A replay does not see when the losers acted, so their times must not move the workflow's clock now either.
        place.Facts.Join([facts[winner]]);
        place.Facts.Saw(race.WonAtMs);
        return End(step, any, winner, ends[winner]);
    }

    /// <summary>Restores what all members but the winner had stored, and begins nothing of them.</summary>
    /// <returns>False if code and history disagree; the run is then broken.</returns>
    private async ValueTask<bool> RestorePartsAsync(IAnyStep any, StepPlace place, int? except)
    {
        using var losers = new CancelSignal(place.Signal);
        losers.Fire(CancellationReason.Cancelled);
        foreach (var (index, first) in Slots.FirstNumbers(any.Members).Index())
        {
            var slots = place.Slots.From(first);
            var part = place.Part(slots, losers) with
            {
                Facts = place.Facts.Branch(slots.First),
                Sleeps = null,
                IsDecided = true,
            };
            if (index != except && await steps.ExecuteAsync(any.Members[index], part).ConfigureAwait(false) == StepEnd.Broken)
            {
                return false;
            }
        }

        ClearUnrecorded(any, except);
        return true;
    }

    private void ClearUnrecorded(IAnyStep any, int? except)
    {
        foreach (var (index, member) in any.Members.Index())
        {
            if (index != except)
            {
                member.ClearUnrecorded(run);
            }
        }
    }

    private async Task<StepEnd> RunAsync(Step member, StepPlace place)
    {
        // A body that blocks its thread must not keep the others from beginning.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            return await ExecuteAsync(member, place).ConfigureAwait(false);
        }
        catch
        {
            // The store failed for good, which ends the run. A member that waits forever would keep it from ending.
            place.Signal.Fire(CancellationReason.Cancelled);
            throw;
        }
    }

    private async ValueTask<StepEnd> ExecuteAsync(Step member, StepPlace place)
    {
        var end = await steps.ExecuteAsync(member, place).ConfigureAwait(false);
        if (end is StepEnd.Completed or StepEnd.Failed && place.Race!.Race.Winner is null)
        {
            // This member finished without writing a row of its own: a sleep that is over, a group, or a recorded step.
            await commits.CommitAsync(rows => new CheckpointUnit(run.Owner, rows), place).ConfigureAwait(false);
        }
        else if (end == StepEnd.Broken)
        {
            place.Signal.Fire(CancellationReason.Cancelled);
        }

        return end;
    }

    private static StepEnd End(Step step, IAnyStep any, int winner, StepEnd end)
    {
        var member = any.Members[winner];
        if (end is StepEnd.Completed or StepEnd.Failed)
        {
            any.CopyOutcomeOf(winner);
        }

        switch (end)
        {
            case StepEnd.Failed when !member.Tolerant:
                step.Fail(member.RecordedError!, member.RecordedException!);
                return StepEnd.Failed;
            case StepEnd.Completed or StepEnd.Failed:
                step.Complete(winner);
                return StepEnd.Completed;
            default:
                return end;
        }
    }
}
