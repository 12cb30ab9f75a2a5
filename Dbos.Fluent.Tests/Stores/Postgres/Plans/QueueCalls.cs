using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Stores.Postgres.Plans.HotCall;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What is asked of queues and schedules.</summary>
internal static class QueueCalls
{
    private static readonly QueueSql Queue = new(Schema);
    private static readonly DelayedSql Delayed = new(Schema);
    private static readonly ScheduleSql Schedule = new(Schema);
    private static readonly TickSql Tick = new(Schema);

    public static Dictionary<string, HotCall> All { get; } = new()
    {
        ["outlook"] = new(Queue.ReadOutlook, on => on.Store.Queues.ReadOutlookAsync(A.Application, on.Cancel)),
        ["release of delayed"] = new(Delayed.Release, on => on.Store.Queues.ReleaseDelayedAsync(A.Application, 50, on.Cancel)),
        ["queue"] = new(Queue.Read, on => on.Store.Queues.ReadAsync("long", on.Cancel)),
        ["queues"] = new(Queue.ReadAll, on => on.Store.Queues.ReadAllAsync(A.Application, on.Cancel)),
        ["depth"] = new(Queue.Count, on => on.Store.Queues.CountAsync(["long", "whole", "parted", "idle"], on.Cancel)) { Counts = true },
        ["registration"] = new(Queue.Insert, on => on.Store.Queues.RegisterAsync(
            Queueing.Registration(new WorkflowQueue($"queue {on.Next()}") { Concurrency = 1 }), on.Cancel)),
        ["registration again"] = new(Queue.Overwrite, on => on.Store.Queues.RegisterAsync(
            Queueing.Registration(new WorkflowQueue("spare") { Concurrency = on.Next() }), on.Cancel)),
        ["adoption of a queue"] = new(Queue.Adopt, on => on.Store.Queues.RegisterAsync(
            Queueing.Registration(new WorkflowQueue("spare"), OnConflict.NeverUpdate), on.Cancel)),
        ["pause"] = new(Queue.SetPaused, on => on.Store.Queues.SetPausedAsync("spare", true, on.Cancel)),
        ["deletion of a queue"] = new(Queue.Delete, on => on.Store.Queues.DeleteAsync("nothing", on.Cancel)),
        ["priority"] = new(Delayed.SetPriority, on => on.Store.Queues.SetPriorityAsync($"q{on.Next() - 80_000}", 5, on.Cancel)),
        ["delay"] = new(Delayed.SetDelay, on => on.Store.Queues.SetDelayAsync("d9000", new DelayEnd(60_000, null), on.Cancel)),
        ["lock of a schedule"] = new(Tick.Lock, on => FireAsync(on, "nightly", TickKind.Due)),
        ["moment of a schedule whose runs have all ended"] = new(Tick.Due, on => FireAsync(on, "nightly", TickKind.Due)),
        ["moment of a schedule that waits its turn"] = new(Tick.Due, on => FireAsync(on, "hourly", TickKind.Due)),
        ["moment that waited"] = new(Tick.Waiting, on => FireAsync(on, "hourly", TickKind.Waiting)),
        ["moment that a person asked for"] = new(Tick.Asked, on => FireAsync(on, "nightly", TickKind.Asked)),
        ["schedule"] = new(Schedule.Read, on => on.Store.Schedules.ReadAsync("nightly", on.Cancel)),
        ["a schedule's run under way"] = new(Schedule.FindRunning, on => on.Store.Schedules.FindRunningAsync("nightly", on.Cancel)),
        ["schedules"] = new(Schedule.ReadAll, on => on.Store.Schedules.ReadAllAsync(A.Application, on.Cancel)),
    };

    private static Task<TickOutcome> FireAsync(Executing on, string schedule, TickKind kind)
    {
        var id = $"tick {on.Next()}";
        var row = A.Enqueued(id) with { Queue = "long", ScheduleName = schedule, State = WorkflowState.Enqueued };
        var moment = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + on.Next();
        return on.Store.Schedules.FireAsync(new ScheduleTick(schedule, moment, kind, row), on.Cancel);
    }
}
