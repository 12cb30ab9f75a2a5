using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>The signals for the waiters that a written unit may wake.</summary>
internal static class StoreSignals
{
    public static IEnumerable<StoreSignal> Of(CommitUnit unit) => unit switch
    {
        SendUnit send => send.Messages
            .Select(message => Wakeups.SignalOf(new InboxKey(message.DestinationId, message.Topic)))
            .Distinct(StringComparer.Ordinal)
            .Select(key => new StoreSignal(StoreSignalKind.Message, key)),
        EventUnit set => [new(StoreSignalKind.Event, Wakeups.SignalOf(set.Owner.WorkflowId, set.Key))],
        StreamUnit write => [new(StoreSignalKind.Stream, Wakeups.SignalOf(write.Owner.WorkflowId, write.Key))],
        StartUnit { Row.State: WorkflowState.Enqueued } start => [new(StoreSignalKind.Enqueued, start.Row.Queue ?? "")],

        // Nothing can be claimed yet, but an engine that waits for the next moment may have to wait for an earlier one.
        StartUnit { Row.State: WorkflowState.Delayed } or DebounceUnit => [new(StoreSignalKind.Enqueued, "")],
        _ => [],
    };
}
