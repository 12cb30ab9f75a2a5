using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Stores.Postgres.Plans.HotCall;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What starts workflows.</summary>
internal static class StartCalls
{
    private static readonly CommitSql Skipping = CommitSql.Skipping(Schema);
    private static readonly CommitSql Waiting = CommitSql.Waiting(Schema);
    private static readonly StandingSql Standing = new(Schema);

    public static Dictionary<string, HotCall> All { get; } = new()
    {
        ["start"] = new(Skipping.Start, on => on.CommitAsync(A.Start(Enqueued(on)))),
        ["start under a key that another holds"] = new(
            Standing.ReadStarts, on => on.CommitAsync(A.Start(Enqueued(on) with { DeduplicationId = "key 30000" }))),
        ["start of a child"] = new(Skipping.ChildStart, on => on.CommitAsync(A.Child(on.Running(), 1_000, Enqueued(on)))),
        ["start of a child, waiting"] = new(Waiting.ChildStart, on => on.CommitWaitingAsync(A.Child(on.Running(), 1_000, Enqueued(on)))),
        ["starts"] = new(Skipping.Starts, on => on.CommitAsync(
            A.Start(Enqueued(on)), A.Start(Enqueued(on)), A.Child(on.Running(), 1_000, Enqueued(on)))),
        ["many starts"] = new(Waiting.Starts, on => on.Store.Queues.StartManyAsync(
            [.. Enumerable.Range(0, 200).Select(_ => A.Start(Enqueued(on)))], on.Cancel)),
        ["many starts of which one is there"] = new(Standing.ReadStarts, on => on.Store.Queues.StartManyAsync(
            [.. Enumerable.Range(0, 20).Select(_ => A.Start(Enqueued(on))), A.Start(A.Enqueued("q7") with { Queue = "long" })], on.Cancel)),
        ["start in a transaction of the caller's"] = new(Waiting.Start, async on =>
        {
            await using var connection = await on.Source.OpenConnectionAsync(on.Cancel);
            await using var transaction = await connection.BeginTransactionAsync(on.Cancel);
            await on.Store.Outbox.StartAsync(transaction, A.Start(Enqueued(on)), on.Cancel);
            await transaction.CommitAsync(on.Cancel);
        }),
        ["debounce"] = new(Skipping.Debounce.Write, on => on.CommitAsync(Debounced(on, $"fresh {on.Next()}"))),
        ["debounce of one that waits"] = new(Skipping.Debounce.Write, on => on.CommitAsync(Debounced(on, "quiet 5000"))),
        ["debounce of one that does not"] = new(Standing.ReadDebounce, on => on.CommitAsync(Debounced(on, "quiet 5001") with
        {
            Parent = on.Running() with { Token = "another" },
            ParentCheckpoint = Some.Row(1_000, "DBOS.debounceDelayedWorkflow"),
        })),
        ["debounce, its lock"] = new(Waiting.Debounce.Lock, on => on.CommitWaitingAsync(Debounced(on, "quiet 5002"))),
        ["debounce, waiting"] = new(Waiting.Debounce.Write, on => on.CommitWaitingAsync(Debounced(on, "quiet 5004") with
        {
            Parent = on.Running(),
            ParentCheckpoint = Some.Row(1_000, "DBOS.debounceDelayedWorkflow"),
        })),
    };

    private static WorkflowInsert Enqueued(Executing on)
    {
        var number = on.Next();
        return A.Enqueued($"start {number}") with { Queue = "long", DeduplicationId = $"key of start {number}" };
    }

    private static DebounceUnit Debounced(Executing on, string key)
    {
        var row = A.Enqueued($"quiet {on.Next()}") with { Queue = "long", DeduplicationId = key, State = WorkflowState.Delayed };
        return new DebounceUnit(row with { DelayMs = 100_000_000 }, null);
    }
}
