using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Steps of which the first to finish counts.</summary>
/// <remarks>
/// The winner's checkpoint and the row that names it are one write. After it no other member commits or consumes anything; they are
/// cancelled and awaited. A replay looks at that row first, and restores the winner alone.
/// </remarks>
internal sealed class AnyExecution(RunScope run, StepExecutor steps)
{
    public async ValueTask<StepEnd> AnyAsync(Step step, IAnyStep any, StepPlace place)
    {
        if (!steps.Matches(step, place.Slots))
        {
            return StepEnd.Broken;
        }

        var row = run.History.At(place.Slots[step.Slots - 1]);
        return row is null
            ? await RaceAsync(step, any, place).ConfigureAwait(false)
            : await RestoreAsync(step, any, place, row).ConfigureAwait(false);
    }

    private async ValueTask<StepEnd> RestoreAsync(Step step, IAnyStep any, StepPlace place, CheckpointRow row)
    {
        if (!int.TryParse(row.Output, CultureInfo.InvariantCulture, out var winner) || winner < 0 || winner >= any.Members.Count)
        {
            return run.Break(new UnexpectedStepException(
                run.Work.Id,
                row.Sequence,
                $"{row.Name} (of {any.Members.Count.ToString(CultureInfo.InvariantCulture)} members)",
                $"{row.Name} (won by member {row.Output})"));
        }

        var first = place.Slots.From(GroupExecution.FirstNumbers(any.Members)[winner]);
        var end = await steps.ExecuteAsync(any.Members[winner], place.Part(first)).ConfigureAwait(false);
        place.Facts.Saw(row.CompletedAtMs);
        return End(step, any, winner, end);
    }

    private async ValueTask<StepEnd> RaceAsync(Step step, IAnyStep any, StepPlace place)
    {
        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        using var race = new Race(place.Slots[step.Slots - 1], run.Environment.Clock.NowMs);
        using var losers = new CancelSignal(place.Signal);
        await using var told = race.Won.UnsafeRegister(
            static signal => ((CancelSignal)signal!).Fire(CancellationReason.Cancelled), losers).ConfigureAwait(false);
        var starts = GroupExecution.FirstNumbers(any.Members);
        using var turns = new AnnouncedReceives(run.Receives, any.Members, place.Slots);
        run.Waits.Fork(any.Members.Count);
        var ends = await Task.WhenAll(any.Members.Select((member, index) => RunAsync(
            member, new StepPlace(place.Slots.From(starts[index]), losers, place.Facts, new RaceMember(race, index, place.Race)))))
            .ConfigureAwait(false);
        run.Waits.Return();
        if (ends.Contains(StepEnd.Broken))
        {
            return StepEnd.Broken;
        }

        if (race.Winner is not { } winner)
        {
            return StepEnd.Stopped;
        }

        // The clock of the workflow must be the same on a replay, which sees nothing of the losers: this row is newer than all of theirs.
        place.Facts.Saw(race.WonAtMs);
        return End(step, any, winner, ends[winner]);
    }

    private async Task<StepEnd> RunAsync(Step member, StepPlace place)
    {
        // A body that blocks its thread must not keep the others from beginning.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var end = await steps.ExecuteAsync(member, place).ConfigureAwait(false);
        if (end is StepEnd.Completed or StepEnd.Failed && place.Race!.Race.Winner is null)
        {
            // A member that finished without a row of its own that could say so: a sleep that is over, a group, what history held.
            await steps.CommitAsync(rows => new CheckpointUnit(run.Owner, rows), place).ConfigureAwait(false);
        }
        else if (end == StepEnd.Broken)
        {
            place.Signal.Fire(CancellationReason.Cancelled);
        }

        run.Waits.Leave();
        return end;
    }

    private static StepEnd End(Step step, IAnyStep any, int winner, StepEnd end)
    {
        var member = any.Members[winner];
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
