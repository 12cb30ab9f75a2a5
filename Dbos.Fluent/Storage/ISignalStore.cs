namespace Dbos.Fluent.Storage;

/// <summary>Wake-ups between processes. They may be lost or arrive twice, and are hints, never the truth.</summary>
internal interface ISignalStore
{
    /// <summary>Announces wake-ups to every process, equal ones once. SQLite announces nothing: its readers see the file change.</summary>
    Task AnnounceAsync(IReadOnlyCollection<StoreSignal> signals, CancellationToken cancellationToken);

    /// <summary>
    /// Listens until cancelled. Yields <see cref="StoreSignal.Anything"/> whenever something may have been missed: on each connect and
    /// reconnect, and on each change where a store sees that something changed but not what. It never ends by itself. After a lost
    /// connection it reconnects instead of throwing.
    /// </summary>
    IAsyncEnumerable<StoreSignal> ListenAsync(CancellationToken cancellationToken);
}

/// <summary>Something that may have happened.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Key">The workflow, queue or <c>workflow::key</c> it concerns.</param>
internal readonly record struct StoreSignal(StoreSignalKind Kind, string Key)
{
    /// <summary>Something may have been missed: every waiter has to look again.</summary>
    public static StoreSignal Anything { get; } = new(StoreSignalKind.Anything, "");
}

/// <summary>The kinds of wake-up.</summary>
internal enum StoreSignalKind
{
    /// <summary>Anything may have happened.</summary>
    Anything,

    /// <summary>A workflow was enqueued; the key is its queue.</summary>
    Enqueued,

    /// <summary>A workflow ended; the key is its id.</summary>
    Completed,

    /// <summary>A running workflow was cancelled or taken away; the key is its id.</summary>
    Cancelled,

    /// <summary>A message came; the key is <c>destination::topic</c>.</summary>
    Message,

    /// <summary>An event was set; the key is <c>workflow::key</c>.</summary>
    Event,

    /// <summary>A stream was written; the key is <c>workflow::key</c>.</summary>
    Stream,

    /// <summary>A queue was registered, changed, paused or deleted; the key is its name.</summary>
    Queue,

    /// <summary>A schedule was made, changed, paused or deleted; the key is its name.</summary>
    Schedule,
}
