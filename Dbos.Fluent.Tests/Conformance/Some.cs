using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Examples of messages, events, streams and waits, as running workflows write them.</summary>
internal static class Some
{
    public const string Topic = "approval";

    public static Payload Value(string text) => new(text, A.Native);

    public static MessageRow Message(string id, string destination, string? topic = Topic) =>
        new(id, destination, topic, Value("text of " + id));

    /// <summary>Sends as a step of a workflow.</summary>
    public static SendUnit Send(Ownership owner, int sequence, params MessageRow[] messages) =>
        new(owner, [Row(sequence, "DBOS.send")], messages);

    /// <summary>Sends from outside of any workflow.</summary>
    public static SendUnit Send(params MessageRow[] messages) => new(null, [], messages);

    public static ReceiveUnit Receive(Ownership owner, int sequence, string? topic = Topic) =>
        new(owner, topic, Row(sequence, "DBOS.recv"), [], []);

    public static EventUnit Event(Ownership owner, int sequence, string key, string text) =>
        new(owner, sequence, key, Value(text), [Row(sequence, "DBOS.setEvent")]);

    public static StreamUnit Write(Ownership owner, int sequence, string key, params string[] texts) =>
        new(owner, sequence, key, [.. texts.Select(Value)], [Row(sequence, "DBOS.writeStream")]);

    public static StreamUnit Close(Ownership owner, int sequence, string key) =>
        new(owner, sequence, key, [StreamMarker.Closed], [Row(sequence, "DBOS.closeStream")]);

    public static WaitRow Sleep(int sequence, long wakeAtMs) => new(sequence, WaitKind.Time, "", "", wakeAtMs);

    public static CheckpointRow Row(int sequence, string name) =>
        new(sequence, name, 1_000 + sequence, 2_000 + sequence) { Format = A.Portable };
}
