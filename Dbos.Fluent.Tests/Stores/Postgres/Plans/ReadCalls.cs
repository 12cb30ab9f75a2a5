using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Stores.Postgres.Plans.HotCall;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What is looked for by whoever waits, and by whoever asks.</summary>
internal static class ReadCalls
{
    private static readonly MessagingSql Messaging = new(Schema);
    private static readonly WorkflowSql Workflows = new(Schema);
    private static readonly VersionSql Versions = new(Schema);

    public static Dictionary<string, HotCall> All { get; } = new()
    {
        ["unread"] = new(Messaging.ReadUnread, on => on.Store.Messaging.ReadUnreadAsync(
            [new("r1", Some.Topic), new("r2", Some.Topic), new("p2000", Some.Topic), new("nobody", null)], on.Cancel)),
        ["events"] = new(Messaging.ReadEvents, on => on.Store.Messaging.ReadEventsAsync(
            [new("r1", "key100"), new("r2", "key100"), new("nobody", "key100")], on.Cancel)),
        ["all events"] = new(Messaging.ReadAllEvents, on => on.Store.Messaging.ReadAllEventsAsync("r1", on.Cancel)),
        ["streams"] = new(Messaging.ReadStreams, on => on.Store.Messaging.ReadStreamsAsync(
            [new("r1", "log", 15_000), new("r1", "log", 1_000_000), new("r2", "log", 0)], 100, 1 << 20, on.Cancel)),
        ["messages"] = new(Messaging.ReadMessages, on => on.Store.Messaging.ReadMessagesAsync("p2000", on.Cancel)),
        ["forks"] = new(Messaging.ReadForks, on => on.Store.Messaging.ReadForksAsync("s1", on.Cancel)),
        ["workflow"] = new(Workflows.Read, on => on.Store.Workflows.ReadAsync("q100", on.Cancel)),
        ["history"] = new(Workflows.ReadCheckpoints, on => on.Store.Workflows.ReadHistoryAsync("r1", on.Cancel)),
        ["outcomes that are awaited"] = new(
            Workflows.ReadOutcomes, on => on.Store.Workflows.ReadOutcomesAsync(["s1", "s2", "r1", "q1", "nobody"], on.Cancel)),
        ["code"] = new(Versions.ReadCode, on => on.Store.Versions.ReadCodeAsync(A.Application, A.Version, A.Name, on.Cancel)),
        ["versions"] = new(Versions.ReadAll, on => on.Store.Versions.ReadAllAsync(A.Application, on.Cancel)),
        ["waits"] = new(Versions.ReadWaits, on => on.Store.Versions.ReadWaitsAsync("p2000", on.Cancel)),
        ["place in a limited queue"] = new(Versions.ReadPlace, on => on.Store.Versions.ReadPlaceAsync(
            new PlaceQuestion("whole", null, A.Application, 3_600_000, null), on.Cancel)),
        ["place in a partition"] = new(Versions.ReadPlace, on => on.Store.Versions.ReadPlaceAsync(
            new PlaceQuestion("parted", "p250", A.Application, null, 3_600_000), on.Cancel)),
    };
}
