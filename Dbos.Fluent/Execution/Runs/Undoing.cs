using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Undoes the completed steps of a failed workflow that say how, newest first. Each undo is a step of its own.</summary>
/// <remarks>
/// A row written before the first undo holds the failure and the sequences to undo. A replay reads it first: whether and what to undo does
/// not depend on how far the code would come this time.
/// </remarks>
internal sealed class Undoing(RunScope run, StepExecutor steps)
{
    private static readonly Type SequencesType = typeof(int[]);

    /// <summary>The row that says an earlier run has begun to undo; null if none has.</summary>
    public CheckpointRow? Begun { get; } = run.History.Find(BuiltInNames.Compensating);

    /// <summary>The sequences that the row names.</summary>
    public int[] ReadSequences() =>
        (int[]?)run.Environment.Serializer.Decode(new Payload(Begun!.Output, Begun.Format), SequencesType) ?? [];

    /// <summary>The failure that the row names.</summary>
    public RecordedFailure ReadFailure() => run.Environment.Serializer.DecodeFailure(new Payload(Begun!.Error, Begun.Format));

    /// <summary>Begins to undo after a failure.</summary>
    /// <returns>The failure, with the failures of undos in <see cref="RecordedFailure.Inner"/>; null if the run must stop.</returns>
    public async ValueTask<RecordedFailure?> BeginAsync(RecordedFailure failure, CancelSignal signal)
    {
        var undos = run.Undos.NewestFirst();
        if (undos.Count == 0)
        {
            return failure;
        }

        var serializer = run.Environment.Serializer;
        var sequences = serializer.Encode(undos.Select(undo => undo.Sequence).ToArray(), SequencesType, PayloadFormat.MessagePack);
        var error = serializer.EncodeFailure(failure, PayloadFormat.MessagePack);
        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(run.HighestStored + 1, BuiltInNames.Compensating, now, now)
        {
            Output = sequences.Text,
            Error = error.Text,
            Format = sequences.Format,
        };
        return await steps.Commits.StoreAsync(row, new StepPlace(new Slots(row.Sequence), signal, run.Facts)).ConfigureAwait(false)
            ? await UndoAsync(undos, failure, row.Sequence + 1, signal).ConfigureAwait(false)
            : null;
    }

    /// <summary>Continues the undoing that an earlier run has begun.</summary>
    public ValueTask<RecordedFailure?> GoOnAsync(CancelSignal signal)
    {
        var sequences = ReadSequences();
        var undos = run.Undos.NewestFirst().Where(undo => sequences.Contains(undo.Sequence)).ToArray();
        return UndoAsync(undos, ReadFailure(), Begun!.Sequence + 1, signal);
    }

    private async ValueTask<RecordedFailure?> UndoAsync(IReadOnlyList<Undo> undos, RecordedFailure failure, int next, CancelSignal signal)
    {
        var failures = new List<RecordedFailure>();
        foreach (var undo in undos)
        {
            var step = UndoStep.Of(undo);
            step.Bind(run);
            var end = await steps.ExecuteAsync(step, new StepPlace(new Slots(next++), signal, run.Facts)).ConfigureAwait(false);
            switch (end)
            {
                case StepEnd.Failed:
                    failures.Add(step.RecordedError!);
                    break;
                case StepEnd.Stopped or StepEnd.Broken:
                    return null;
            }
        }

        return failures.Count == 0 ? failure : failure with { Inner = [.. failure.Inner, .. failures] };
    }
}
