using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Stores.Postgres.Plans.HotCall;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What running workflows write.</summary>
internal static class RunCalls
{
    private static readonly CommitSql Skipping = CommitSql.Skipping(Schema);
    private static readonly CommitSql Waiting = CommitSql.Waiting(Schema);
    private static readonly StandingSql Standing = new(Schema);
    private static readonly Ownership Lost = new("r390", "another's");

    public static Dictionary<string, HotCall> All { get; } = new()
    {
        ["checkpoint"] = new(Skipping.Checkpoint, on => on.CommitAsync(A.Checkpoints(on.Running(), 1_000))),
        ["checkpoint, waiting"] = new(Waiting.Checkpoint, on => on.CommitWaitingAsync(A.Checkpoints(on.Running(), 1_000))),
        ["checkpoints"] = new(Skipping.Checkpoints, on => on.CommitAsync(
            A.Checkpoints(on.Running(), 1_000, 1_001), A.Checkpoints(on.Running(), 1_000))),
        ["checkpoints, waiting"] = new(Waiting.Checkpoints, on => on.CommitWaitingAsync(A.Checkpoints(on.Running(), 1_000, 1_001))),
        ["checkpoint of one that is lost"] = new(Standing.ReadCheckpoints, on => on.CommitAsync(A.Checkpoints(Lost, 1_000))),
        ["outcome"] = new(Skipping.Outcome, on => on.CommitAsync(A.Outcome(on.Running()) with { Last = A.Checkpoint(1_000) })),
        ["outcome, waiting"] = new(Waiting.Outcome, on => on.CommitWaitingAsync(A.Outcome(on.Running()))),
        ["outcomes"] = new(Skipping.Outcomes, on => on.CommitAsync(
            A.Outcome(on.Running()) with { Last = A.Checkpoint(1_000) }, A.Outcome(on.Running(), WorkflowState.Error))),
        ["outcome of one that is lost"] = new(Standing.ReadOutcomes, on => on.CommitAsync(A.Outcome(Lost))),
        ["park"] = new(Skipping.Units.Park, on => on.CommitAsync(new ParkUnit(on.Running(), [Some.Sleep(1_000, long.MaxValue)]))),
        ["park, waiting"] = new(
            Waiting.Units.Park, on => on.CommitWaitingAsync(new ParkUnit(on.Running(), [Some.Sleep(1_000, long.MaxValue)]))),
        ["lock of an owner"] = new(Waiting.Units.LockOwner, on => on.CommitWaitingAsync(Some.Event(on.Busy, on.Next(), "key7", "x"))),
        ["continue as new"] = new(Skipping.Continue.Continue, on => on.CommitAsync(Continued(on, on.Running()))),
        ["continue as new, waiting"] = new(Waiting.Continue.Continue, on => on.CommitWaitingAsync(Continued(on, on.Running()))),
        ["continue as new, lost"] = new(Standing.ReadContinued, on => on.CommitAsync(Continued(on, Lost))),
        ["send"] = new(Skipping.Units.Send, on => on.CommitAsync(Some.Send(on.Running(), 1_000, ToBusy(on), ToBusy(on)))),
        ["send, waiting"] = new(Waiting.Units.Send, on => on.CommitWaitingAsync(Some.Send(on.Running(), 1_000, ToBusy(on)))),
        ["send from outside"] = new(Skipping.Units.SendUnowned, on => on.CommitAsync(Some.Send(ToBusy(on)))),
        ["send in a transaction of the caller's"] = new(Waiting.Units.SendUnowned, async on =>
        {
            await using var connection = await on.Source.OpenConnectionAsync(on.Cancel);
            await using var transaction = await connection.BeginTransactionAsync(on.Cancel);
            await on.Store.Outbox.SendAsync(transaction, ToBusy(on), on.Cancel);
            await transaction.CommitAsync(on.Cancel);
        }),
        ["receive"] = new(Skipping.Units.Receive, on => on.CommitAsync(Some.Receive(on.Busy, on.Next()))),
        ["receive, waiting"] = new(Waiting.Units.Receive, on => on.CommitWaitingAsync(Some.Receive(on.Busy, on.Next()))),
        ["receive of nothing"] = new(Skipping.Units.Receive, on => on.CommitAsync(Some.Receive(on.Busy, on.Next(), "another"))),
        ["receive of one that is lost"] = new(Standing.ReadSingle, on => on.CommitAsync(Some.Receive(Lost, on.Next()))),
        ["event"] = new(Skipping.Units.SetEvent, on => on.CommitAsync(Some.Event(on.Busy, on.Next(), "key7", "x"))),
        ["event, waiting"] = new(Waiting.Units.SetEvent, on => on.CommitWaitingAsync(Some.Event(on.Busy, on.Next(), "key7", "x"))),
        ["stream"] = new(Skipping.Units.WriteStream, on => on.CommitAsync(Some.Write(on.Busy, on.Next(), "log", "x"))),
        ["stream, waiting"] = new(Waiting.Units.WriteStream, on => on.CommitWaitingAsync(Some.Write(on.Busy, on.Next(), "log", "x"))),
    };

    private static MessageRow ToBusy(Executing on) => Some.Message($"message {on.Next()}", on.Busy.WorkflowId);

    private static ContinueUnit Continued(Executing on, Ownership owner) =>
        new(owner, 0, "input", new WorkflowOrigin(1, 1), $"token {on.Next()}");
}
