using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Messaging;

/// <summary>Everything this process waits for in the database: outcomes, messages, events and streams.</summary>
internal sealed class Wakeups
{
    // The largest chunk that is delivered as quickly as it is read; a longer stream is read in several.
    private const int ChunkMax = 100;

    // What one query reads of all streams together, unless single values are larger: more would take long, and all of it is held in memory.
    private const long ChunkBytesMax = 16L << 20;

    public Wakeups(IStore store, Func<string, bool> runsHere, CancellationToken stopped)
    {
        Outcomes = new(
            async (ids, token) => [.. from row in await store.Workflows.ReadOutcomesAsync(ids, token).ConfigureAwait(false)
                                      select KeyValuePair.Create(row.Id, new WorkflowOutcome(row))],
            id => [id],
            stopped)
        { IsToldHere = runsHere };
        Inboxes = new(
            async (keys, token) => [.. from key in await store.Messaging.ReadUnreadAsync(keys, token).ConfigureAwait(false)
                                       select KeyValuePair.Create(key, true)],
            key => [SignalOf(key)],
            stopped);
        Events = new(
            async (keys, token) => [.. from row in await store.Messaging.ReadEventsAsync(keys, token).ConfigureAwait(false)
                                       select KeyValuePair.Create(row.Key, row.Value)],
            key => [SignalOf(key.WorkflowId, key.Key)],
            stopped);
        Streams = new(
            async (keys, token) =>
            {
                var chunks = new List<KeyValuePair<StreamPosition, StreamChunk>>(keys.Count);
                foreach (var some in keys.GroupBy(key => key.Alone ? 1 : ChunkMax))
                {
                    var read = await store.Messaging.ReadStreamsAsync([.. some], some.Key, ChunkBytesMax / keys.Count, token)
                        .ConfigureAwait(false);
                    chunks.AddRange(read.Select(chunk => KeyValuePair.Create(chunk.Position, chunk)));
                }

                return chunks;
            },
            key => [SignalOf(key.WorkflowId, key.Key), key.WorkflowId],
            stopped);
    }

    /// <summary>Waits for workflows to end; an unknown id is found without a state.</summary>
    public GatheredWaits<string, WorkflowOutcome> Outcomes { get; }

    /// <summary>Waits for topics to hold an unread message.</summary>
    public GatheredWaits<InboxKey, bool> Inboxes { get; }

    /// <summary>Waits for events to be set.</summary>
    public GatheredWaits<EventKey, Payload> Events { get; }

    /// <summary>Waits for positions in streams to hold a value or the end.</summary>
    public GatheredWaits<StreamPosition, StreamChunk> Streams { get; }

    public static string SignalOf(InboxKey key) => SignalOf(key.WorkflowId, MessageTopics.ToStored(key.Topic));

    public static string SignalOf(string workflowId, string key) => $"{workflowId}::{key}";

    /// <summary>Looks up what a signal names.</summary>
    public void Route(StoreSignal signal)
    {
        switch (signal.Kind)
        {
            case StoreSignalKind.Anything:
                LookAtAll();
                break;
            case StoreSignalKind.Completed when signal.Key.Length == 0:
                Outcomes.LookAtAll();
                Streams.LookAtAll();
                break;
            case StoreSignalKind.Completed:
                Outcomes.LookAtSignal(signal.Key);
                Streams.LookAtSignal(signal.Key);
                break;
            case StoreSignalKind.Message:
                // The waiter takes the message, which is itself the lookup.
                Inboxes.CompleteAtSignal(signal.Key, true);
                break;
            case StoreSignalKind.Event:
                Events.LookAtSignal(signal.Key);
                break;
            case StoreSignalKind.Stream:
                Streams.LookAtSignal(signal.Key);
                break;
        }
    }

    /// <summary>Looks up everything, as a signal may have been missed.</summary>
    public void LookAtAll()
    {
        Outcomes.LookAtAll();
        Inboxes.LookAtAll();
        Events.LookAtAll();
        Streams.LookAtAll();
    }
}
