using System.Diagnostics;
using System.Text;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A signal as it is sent: a channel and a payload.</summary>
internal readonly record struct SignalPayload(string Channel, string Payload)
{
    // The server refuses payloads of 8000 bytes or more. The fallback poll finds what is not sent.
    private const int BytesMax = 7999;
    private const string Separator = "::";
    private const string Enqueued = "enqueued";
    private const string Completed = "completed";
    private const string Cancelled = "cancelled";
    private const string Queue = "queue";
    private const string Schedule = "schedule";

    public bool Fits => Encoding.UTF8.GetByteCount(Payload) <= BytesMax;

    /// <summary>The form of a signal; null if it need not be sent: the trigger on its table announces a message.</summary>
    public static SignalPayload? Of(StoreSignal signal, string schema) => signal.Kind switch
    {
        StoreSignalKind.Message or StoreSignalKind.Anything => null,
        StoreSignalKind.Event => new(SignalSql.Events, signal.Key),
        StoreSignalKind.Stream => new(SignalSql.Streams, signal.Key),
        StoreSignalKind.Enqueued => Wakeup(schema, Enqueued, signal.Key),
        StoreSignalKind.Completed => Wakeup(schema, Completed, signal.Key),
        StoreSignalKind.Cancelled => Wakeup(schema, Cancelled, signal.Key),
        StoreSignalKind.Queue => Wakeup(schema, Queue, signal.Key),
        StoreSignalKind.Schedule => Wakeup(schema, Schedule, signal.Key),
        _ => throw new UnreachableException($"Unknown kind of signal {signal.Kind}."),
    };

    /// <summary>The signal in this form; null if it belongs to another schema, or is of a kind this version does not know.</summary>
    public StoreSignal? ToSignal(string schema)
    {
        switch (Channel)
        {
            case SignalSql.Messages:
                return new StoreSignal(StoreSignalKind.Message, Payload);
            case SignalSql.Events:
                return new StoreSignal(StoreSignalKind.Event, Payload);
            case SignalSql.Streams:
                return new StoreSignal(StoreSignalKind.Stream, Payload);
            default:
                var prefix = schema + Separator;
                return Payload.StartsWith(prefix, StringComparison.Ordinal) ? ParseWakeup(Payload[prefix.Length..]) : null;
        }
    }

    private static SignalPayload Wakeup(string schema, string kind, string key) =>
        new(SignalSql.Wakeups, schema + Separator + kind + Separator + key);

    private static StoreSignal? ParseWakeup(string wakeup)
    {
        var split = wakeup.IndexOf(Separator, StringComparison.Ordinal);
        if (split < 0)
        {
            return null;
        }

        var key = wakeup[(split + Separator.Length)..];
        return wakeup[..split] switch
        {
            Enqueued => new StoreSignal(StoreSignalKind.Enqueued, key),
            Completed => new StoreSignal(StoreSignalKind.Completed, key),
            Cancelled => new StoreSignal(StoreSignalKind.Cancelled, key),
            Queue => new StoreSignal(StoreSignalKind.Queue, key),
            Schedule => new StoreSignal(StoreSignalKind.Schedule, key),
            _ => null,
        };
    }
}
