using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Writes a workflow's messages, events and stream values for others, each in one write with its checkpoint.</summary>
internal sealed class SendExecution(RunScope run, StepRecords records, StepCommits commits)
{
    private readonly PayloadSerializer serializer = run.Environment.Serializer;

    public ValueTask<StepEnd> SendAsync(Step step, ISendStep send, StepPlace place) => WriteAsync(step, place, rows =>
    {
        var messages = Outbox.Rows(serializer, send.Messages, send.Format);
        return messages.Length == 0 ? new CheckpointUnit(run.Owner, rows) : new SendUnit(run.Owner, rows, messages);
    });

    public ValueTask<StepEnd> SetEventAsync(Step step, ISetEventStep set, StepPlace place) => WriteAsync(step, place, rows =>
        new EventUnit(run.Owner, place.Slots.First, set.Key, OwnValues.EncodeEvent(run, set.Key, set.Value, set.ValueType), rows)
        {
            WaitersUpTo = run.Environment.Wakeups.Events.Registered,
        });

    public ValueTask<StepEnd> WriteStreamAsync(Step step, IWriteStreamStep write, StepPlace place) => WriteAsync(step, place, rows =>
        new StreamUnit(
            run.Owner,
            place.Slots.First,
            write.Key,
            [OwnValues.EncodeStreamValue(run, write.Key, write.Value, write.ValueType)],
            rows));

    public ValueTask<StepEnd> CloseStreamAsync(Step step, ICloseStreamStep close, StepPlace place) => WriteAsync(step, place, rows =>
        new StreamUnit(run.Owner, place.Slots.First, close.Key, [StreamMarker.Closed], rows));

    private async ValueTask<StepEnd> WriteAsync(Step step, StepPlace place, Func<IReadOnlyList<CheckpointRow>, CommitUnit> make)
    {
        if (!records.TryMatch(place.Slots.First, RecordedKind.BuiltIn, step.Name, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is not null)
        {
            return records.Restore(step, row, place);
        }

        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        var now = run.Environment.Clock.NowMs;
        row = new CheckpointRow(place.Slots.First, step.Name, now, now) { Format = PayloadSerializer.PortableFormat };
        try
        {
            var made = make([row]);
            var result = await commits.CommitAsync(more => more.Count == 0 ? made : make([row, .. more]), place).ConfigureAwait(false);
            return result is null ? StepEnd.Stopped : await EndAsync(step, row, place, made, result).ConfigureAwait(false);
        }
        catch (SerializationFailedException exception)
        {
            return await commits.FailAsync(step, row, place, exception).ConfigureAwait(false);
        }
    }

    private ValueTask<StepEnd> EndAsync(Step step, CheckpointRow row, StepPlace place, CommitUnit unit, CommitResult result)
    {
        if (result.Status != CommitStatus.Written)
        {
            return commits.FailAsync(step, row, place, WriteRefusals.ToException(unit, result));
        }

        run.Environment.Written(unit);

        place.Facts.Saw(row.CompletedAtMs);
        step.Complete(default(Unit));
        return new(StepEnd.Completed);
    }
}
