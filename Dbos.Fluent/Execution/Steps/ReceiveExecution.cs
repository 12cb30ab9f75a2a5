using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Executes receives: a message is consumed and recorded in one write. Until a message comes, nothing runs.</summary>
/// <remarks>
/// The end of the wait is stored under the second number when the wait begins, and counts on every later run. Taking the message is itself
/// the look: a receive registers, tries to take, and waits to be notified only if nothing was there.
/// </remarks>
internal sealed class ReceiveExecution(RunScope run, StepRecords records, StepCommits commits)
{
    public async ValueTask<StepEnd> ReceiveAsync(Step step, IReceiveStep receive, StepPlace place)
    {
        var (first, second) = (place.Slots[0], place.Slots[1]);
        using var turn = run.Receives.Announce(receive.Topic, first);
        if (!records.TryMatch(first, RecordedKind.BuiltIn, BuiltInNames.Receive, out var row)
            || !records.TryMatch(second, RecordedKind.BuiltIn, BuiltInNames.Sleep, out var marker))
        {
            return StepEnd.Broken;
        }

        if (row is not null)
        {
            return ValueSteps.Restore(run, records, step, receive, row, place);
        }

        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        var now = run.Environment.Clock.NowMs;
        var untilMs = marker is not null ? WaitMarker.Read(marker) : WaitMarker.UntilMs(receive, now);
        var begun = marker is null && untilMs is { } end ? WaitMarker.Row(second, end, now) : null;
        return await TakeAsync(step, receive, place, turn, new Wait(untilMs, begun, now)).ConfigureAwait(false);
    }

    private async ValueTask<StepEnd> TakeAsync(Step step, IReceiveStep receive, StepPlace place, ReceiveTurns.Turn turn, Wait wait)
    {
        turn.Begin();
        while (true)
        {
            using var told = run.Environment.Wakeups.Inboxes.Register(KeyOf(receive));
            var now = run.Environment.Clock.NowMs;
            var isFirst = turn.Come.IsCompleted;
            if (isFirst || wait.Begun is not null)
            {
                var taken = isFirst
                    ? await TryTakeAsync(step, receive, place, turn, wait).ConfigureAwait(false)
                    : await BeginAsync(place, wait).ConfigureAwait(false);
                if (taken is { } ended)
                {
                    return ended;
                }

                wait = wait with { Begun = null };
            }

            // What came in time may have come without a signal, or with a lost one, or while nobody ran. So there is one more look once the
            // time is over. Receives before this one take what is theirs first.
            var isOver = wait.UntilMs <= now;
            var end = !isOver ? await WaitAsync(isFirst ? told.Found : turn.Come, receive, place, wait).ConfigureAwait(false)
                : isFirst ? WaitEnd.TimedOut
                : await WaitForLookAsync(receive, turn, place.Signal).ConfigureAwait(false);
            if (end == WaitEnd.Stopped)
            {
                return StepEnd.Stopped;
            }

            if (isOver && end == WaitEnd.TimedOut)
            {
                return await TimeOutAsync(step, receive, place, wait).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until its turn has come, or a look of the first has found nothing for anybody.</summary>
    private async ValueTask<WaitEnd> WaitForLookAsync(IReceiveStep receive, ReceiveTurns.Turn turn, CancelSignal signal)
    {
        var inVain = turn.AskForLook();
        run.Environment.Wakeups.Inboxes.Complete(KeyOf(receive), true);
        var end = await ValueSteps.WaitAsync(run, null, Task.WhenAny(turn.Come, inVain), null, signal).ConfigureAwait(false);
        return end == WaitEnd.Told && inVain.IsCompleted ? WaitEnd.TimedOut : end;
    }

    private InboxKey KeyOf(IReceiveStep receive) => new(run.Work.Id, receive.Topic);

    /// <summary>Takes a message; null if there is none.</summary>
    private async ValueTask<StepEnd?> TryTakeAsync(
        Step step, IReceiveStep receive, StepPlace place, ReceiveTurns.Turn turn, Wait wait)
    {
        var look = turn.BeginLook();
        CheckpointRow[] begun = wait.Begun is { } marker ? [marker] : [];
        var row = new CheckpointRow(place.Slots[0], BuiltInNames.Receive, wait.StartedAtMs, run.Environment.Clock.NowMs);
        var result = await commits.CommitAsync(with => new ReceiveUnit(run.Owner, receive.Topic, row, begun, with), place)
            .ConfigureAwait(false);
        if (result?.Status == CommitStatus.NothingThere)
        {
            // The row of the wait is stored nevertheless.
            begun.ToList().ForEach(marker => run.Stored(marker.Sequence));
            turn.LookedInVain(look);
            return null;
        }

        return result switch
        {
            null => StepEnd.Stopped,
            _ => ValueSteps.Restore(
                run,
                records,
                step,
                receive,
                row with { Output = result.Received?.Text, Format = result.Received?.Format },
                place),
        };
    }

    private async ValueTask<StepEnd?> BeginAsync(StepPlace place, Wait wait) =>
        await commits.StoreAsync(wait.Begun!, place, finishes: false).ConfigureAwait(false) ? null : StepEnd.Stopped;

    private async ValueTask<StepEnd> TimeOutAsync(Step step, IReceiveStep receive, StepPlace place, Wait wait)
    {
        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(place.Slots[0], BuiltInNames.Receive, wait.StartedAtMs, now);
        return await commits.StoreAsync(row, place).ConfigureAwait(false)
            ? ValueSteps.Restore(run, records, step, receive, row, place)
            : StepEnd.Stopped;
    }

    private ValueTask<WaitEnd> WaitAsync(Task told, IReceiveStep receive, StepPlace place, Wait wait) => ValueSteps.WaitAsync(
        run,
        new WaitRow(place.Slots[0], WaitKind.Message, run.Work.Id, MessageTopics.ToStored(receive.Topic), wait.UntilMs),
        told,
        wait.UntilMs,
        place.Signal);

    /// <summary>A wait that has begun.</summary>
    /// <param name="UntilMs">When it is over; null if it has no end.</param>
    /// <param name="Begun">The row that stores the end; null once it is stored, or if there is no end.</param>
    /// <param name="StartedAtMs">When it began in this run.</param>
    private sealed record Wait(long? UntilMs, CheckpointRow? Begun, long StartedAtMs);
}
