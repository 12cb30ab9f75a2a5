namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Channels for announcements. They belong to the database, so our own payloads name the schema.</summary>
internal sealed class SignalSql
{
    /// <summary>The trigger on messages announces here: <c>destination::topic</c>.</summary>
    public const string Messages = "dbos_notifications_channel";

    /// <summary>Every SDK announces events here: <c>workflow::key</c>.</summary>
    public const string Events = "dbos_workflow_events_channel";

    /// <summary>Every SDK announces stream writes here: <c>workflow::key</c>.</summary>
    public const string Streams = "dbos_streams_channel";

    /// <summary>Only this library announces here: <c>schema::kind::key</c>.</summary>
    public const string Wakeups = "fluent_wakeups";

    public string Listen { get; } = $"LISTEN {Messages}; LISTEN {Events}; LISTEN {Streams}; LISTEN {Wakeups}";

    public string Notify { get; } = "SELECT pg_notify(n.channel, n.payload) FROM unnest($1::text[], $2::text[]) AS n(channel, payload)";

    public string KeepAlive { get; } = "SELECT 1";
}
