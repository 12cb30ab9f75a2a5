using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>A message to store in <c>notifications</c>.</summary>
/// <param name="Id">
/// Column <c>message_uuid</c>: <c>{key}::{destination}</c> if the sender gave an idempotency key, otherwise a unique id. A message whose
/// id is already stored is not stored again.
/// </param>
/// <param name="DestinationId">The workflow it goes to.</param>
/// <param name="Topic">As the caller gave it; null is stored as <see cref="ReservedTexts.NoTopic"/>.</param>
/// <param name="Value">The encoded message; its text is never null.</param>
internal sealed record MessageRow(string Id, string DestinationId, string? Topic, Payload Value);

/// <summary>Sends messages, all or none, together with the checkpoint of the sending workflow, if there is one.</summary>
/// <param name="Owner">The sending run; null for a sender outside any workflow, who needs no permission.</param>
/// <param name="Rows">The sender's checkpoints; empty from inside a step and from outside.</param>
/// <param name="Messages">At least one; their order is the order in which they arrive.</param>
/// <remarks>
/// Gives <see cref="CommitStatus.NoDestination"/>, and writes nothing, if one of the destinations does not exist. A message to a workflow
/// that has ended is stored but never read.
/// </remarks>
internal sealed record SendUnit(Ownership? Owner, IReadOnlyList<CheckpointRow> Rows, IReadOnlyList<MessageRow> Messages) : CommitUnit
{
    public override string LaneKey => Owner?.WorkflowId ?? Messages[0].DestinationId;

    public override long Size => Messages.Sum(message => (long)(message.Value.Text?.Length ?? 0));

    public override int HighestSequence => Highest(Rows);
}

/// <summary>Takes the oldest unread message of a topic of the running workflow and records it, in one transaction.</summary>
/// <param name="Owner">The receiving run; its workflow is the destination.</param>
/// <param name="Topic">As the caller gave it; null is <see cref="ReservedTexts.NoTopic"/>.</param>
/// <param name="Row">
/// The checkpoint without output and format, which are taken from the message. The message is marked consumed by this row's sequence.
/// </param>
/// <param name="Begun">Rows written whether or not there is a message: the end of the wait, when it begins.</param>
/// <param name="With">Rows written only together with a message.</param>
/// <remarks>
/// Gives <see cref="CommitStatus.NothingThere"/> if no message is unread. If the row is already stored, because an earlier try's
/// acknowledgement was lost, it takes no second message: <see cref="CommitStatus.Written"/> with the stored value.
/// </remarks>
internal sealed record ReceiveUnit(
    Ownership Owner, string? Topic, CheckpointRow Row, IReadOnlyList<CheckpointRow> Begun, IReadOnlyList<CheckpointRow> With) : CommitUnit
{
    public override string LaneKey => Owner.WorkflowId;

    public override long Size => 0;

    public override int HighestSequence => Math.Max(Row.Sequence, Math.Max(Highest(Begun), Highest(With)));
}

/// <summary>Sets an event of the running workflow: its latest value, and its value as of this step for forks.</summary>
/// <param name="Owner">The run that sets it.</param>
/// <param name="Sequence">The step that sets it: <c>function_id</c> of <c>workflow_events_history</c>.</param>
/// <param name="Key">The event's key.</param>
/// <param name="Value">The encoded value; its text is never null.</param>
/// <param name="Rows">The checkpoints; empty from inside a step. If they are already stored, the event stays as it is.</param>
internal sealed record EventUnit(Ownership Owner, int Sequence, string Key, Payload Value, IReadOnlyList<CheckpointRow> Rows) : CommitUnit
{
    /// <summary>
    /// The mark of the waiters in this process from before the unit is written: they may get the value as soon as it is. Whoever begins to
    /// wait later may do so after another set of the event, and reads it.
    /// </summary>
    public long WaitersUpTo { get; init; }

    public override string LaneKey => Owner.WorkflowId;

    public override long Size => Value.Text?.Length ?? 0;

    public override int HighestSequence => Highest(Rows);
}

/// <summary>Appends values to a stream of the running workflow, or closes it.</summary>
/// <param name="Owner">The run that writes.</param>
/// <param name="Sequence">The step that writes: <c>function_id</c> of <c>streams</c>.</param>
/// <param name="Key">The stream's key.</param>
/// <param name="Values">The encoded values, in their order; <see cref="StreamMarker.Closed"/> alone closes the stream.</param>
/// <param name="Rows">The checkpoints; empty from inside a step. If they are already stored, nothing is appended again.</param>
/// <remarks>
/// Gives <see cref="CommitStatus.StreamClosed"/>, and writes nothing, if values are appended to a closed stream. Closing a closed stream
/// only writes its checkpoint.
/// </remarks>
internal sealed record StreamUnit(
    Ownership Owner, int Sequence, string Key, IReadOnlyList<Payload> Values, IReadOnlyList<CheckpointRow> Rows) : CommitUnit
{
    /// <summary>The steps that write the values, one for each value; null if <see cref="Sequence"/> writes them all.</summary>
    public IReadOnlyList<int>? Sequences { get; init; }

    public bool Closes => Values is [{ } only] && StreamMarker.IsClosed(only.Text);

    public override string LaneKey => Owner.WorkflowId;

    public int SequenceOf(int index) => Sequences is null ? Sequence : Sequences[index];

    public override long Size => Values.Sum(value => (long)(value.Text?.Length ?? 0));

    public override int HighestSequence => Highest(Rows);
}

/// <summary>
/// Parks a running workflow that only waits, so that it leaves memory: PENDING becomes DELAYED without an owner, and its waits are stored.
/// </summary>
/// <param name="Owner">The run that leaves.</param>
/// <param name="Waits">At least one; the workflow continues when one of them is over.</param>
/// <remarks>
/// A row without a queue goes to the internal one. <c>delay_until_epoch_ms</c> is a copy of the earliest wake-up, or the largest moment
/// if no wait has an end. Executor, version, attempts and deadline stay. The unit also counts as written if the row is already parked with
/// waits of this token.
/// </remarks>
internal sealed record ParkUnit(Ownership Owner, IReadOnlyList<WaitRow> Waits) : CommitUnit
{
    public override string LaneKey => Owner.WorkflowId;

    public override long Size => 0;
}

/// <summary>One thing a parked workflow waits for: a row of <c>fluent_waits</c>.</summary>
/// <param name="Sequence">The waiting step.</param>
/// <param name="Kind">What it waits for.</param>
/// <param name="TargetId">The workflow it concerns: the destination of the message, the setter of the event, the awaited one.</param>
/// <param name="Name">Topic (never null: see <see cref="MessageTopics"/>) or event key; empty for a time or an outcome.</param>
/// <param name="WakeAtMs">When the wait ends at the latest; null if it has no end.</param>
internal sealed record WaitRow(int Sequence, WaitKind Kind, string TargetId, string Name, long? WakeAtMs)
{
    /// <summary>Numbers the things that one step waits for, from 0.</summary>
    public int Part { get; init; }

    /// <summary>What its signal carries, and the column <c>key</c>.</summary>
    public string Key => Kind is WaitKind.Message or WaitKind.Event ? $"{TargetId}::{Name}" : TargetId;
}

/// <summary>
/// What a parked workflow may wait for; stored in lower case (<c>time</c>, <c>message</c>, <c>event</c>, <c>outcome</c>).
/// </summary>
internal enum WaitKind
{
    /// <summary>A moment.</summary>
    Time,

    /// <summary>An unread message of its own.</summary>
    Message,

    /// <summary>An event of some workflow.</summary>
    Event,

    /// <summary>The end of another workflow, or its absence.</summary>
    Outcome,
}

/// <summary>How topics are stored, which is the same in every SDK.</summary>
internal static class MessageTopics
{
    public static string ToStored(string? topic) => topic ?? ReservedTexts.NoTopic;

    public static string? FromStored(string? topic) => topic == ReservedTexts.NoTopic ? null : topic;
}

/// <summary>The last value of a closed stream, which is the same in every SDK.</summary>
internal static class StreamMarker
{
    public static Payload Closed { get; } = new($"\"{ReservedTexts.StreamClosed}\"", "portable_json");

    /// <summary>Whether a stored value is the marker. Older rows of other SDKs hold it without the quotes.</summary>
    public static bool IsClosed(string? stored) => stored is $"\"{ReservedTexts.StreamClosed}\"" or ReservedTexts.StreamClosed;
}
