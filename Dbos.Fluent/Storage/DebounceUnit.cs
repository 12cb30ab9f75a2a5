namespace Dbos.Fluent.Storage;

/// <summary>
/// Starts a delayed workflow, or moves the start of the one that holds its deduplication id and has not started, and gives that one the
/// new input.
/// </summary>
/// <param name="Row">
/// The row to insert if there is no such holder: DELAYED, with queue and deduplication id, <c>is_debounced</c>. Its delay is the period.
/// </param>
/// <param name="AtMostMs">
/// How long after the first call the start may be at most (<c>debounce_deadline_epoch_ms</c>, set by the first call and kept); null
/// without limit.
/// </param>
/// <param name="Parent">The running workflow that calls; null for a call from outside.</param>
/// <param name="ParentCheckpoint">
/// The parent's checkpoint without the child's id, which is filled in: the id of the workflow started or moved.
/// </param>
/// <remarks>
/// <see cref="CommitStatus.Written"/>: the row was made. <see cref="CommitStatus.Attached"/>, with <see cref="CommitResult.Existing"/>: a
/// waiting one was moved. Its <c>delay_until</c> is the earlier of now + period and its deadline, and format, input and application
/// version are the new ones. It keeps its parent only if that is the caller too. <see cref="CommitStatus.Deduplicated"/>: the holder of
/// the deduplication id is not a delayed debounced one. <see cref="CommitStatus.IdInUse"/> (or <see cref="CommitStatus.NameConflict"/>):
/// another row has the id. Where the parent's checkpoint is already stored, because an earlier try's acknowledgement was lost, nothing is
/// moved again, and the result names the id in it.
/// </remarks>
internal sealed record DebounceUnit(
    WorkflowInsert Row, long? AtMostMs, Ownership? Parent = null, CheckpointRow? ParentCheckpoint = null) : CommitUnit
{
    // Calls of one key follow each other: of two concurrent calls the later one's input wins.
    public override string LaneKey => Parent?.WorkflowId ?? $"{Row.Queue}::{Row.DeduplicationId}";

    public override long Size => Row.Input.Text?.Length ?? 0;

    public override int HighestSequence => ParentCheckpoint?.Sequence ?? -1;
}
