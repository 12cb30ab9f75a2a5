namespace Dbos.Fluent.Storage;

/// <summary>
/// Starts a delayed workflow, or moves the start of the one that stands under its deduplication id and has not started, and gives that one
/// the new input.
/// </summary>
/// <param name="Row">
/// What is inserted where nothing stands: DELAYED, with queue and deduplication id, <c>is_debounced</c>. Its delay is the period.
/// </param>
/// <param name="AtMostMs">
/// How long after the first call the start may be moved at the most (<c>debounce_deadline_epoch_ms</c>, set by the first call and kept);
/// null without limit.
/// </param>
/// <param name="Parent">The running workflow that calls; null from outside.</param>
/// <param name="ParentCheckpoint">
/// The parent's checkpoint without the child's id, which is filled in: the id that stands in the end.
/// </param>
/// <remarks>
/// <see cref="CommitStatus.Written"/> where the row was made; <see cref="CommitStatus.Attached"/>, with
/// <see cref="CommitResult.Existing"/>, where one that waits was moved: <c>delay_until</c> is the earlier of now + period and its deadline,
/// and format, input and application version are the new ones; it keeps its parent only where that is the caller too. A holder of the
/// deduplication id that is not a delayed debounced one is <see cref="CommitStatus.Deduplicated"/>; an id in use by another row
/// <see cref="CommitStatus.IdInUse"/> (or <see cref="CommitStatus.NameConflict"/>). Where the parent's checkpoint stands already, because
/// an earlier try's acknowledgement was lost, nothing is moved again, and the result names the id that it holds.
/// </remarks>
internal sealed record DebounceUnit(
    WorkflowInsert Row, long? AtMostMs, Ownership? Parent = null, CheckpointRow? ParentCheckpoint = null) : CommitUnit
{
    // Calls of one key follow each other: of two at once the later one's input stands.
    public override string LaneKey => Parent?.WorkflowId ?? $"{Row.Queue}::{Row.DeduplicationId}";

    public override long Size => Row.Input.Text?.Length ?? 0;

    public override int HighestSequence => ParentCheckpoint?.Sequence ?? -1;
}
