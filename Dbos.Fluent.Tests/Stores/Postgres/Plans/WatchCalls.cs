using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Stores.Postgres.Plans.HotCall;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What engines ask again and again, and what they do where one of them has died.</summary>
internal static class WatchCalls
{
    private static readonly ExecutorSql Executors = new(Schema);
    private static readonly WorkflowSql Workflows = new(Schema);
    private static readonly StrandedSql Stranded = new(Schema);
    private static readonly OwnRows Except = new(["a token"], [new("r1", "t1")]);

    public static Dictionary<string, HotCall> All { get; } = new()
    {
        ["launch"] = new(Executors.Register, on => on.Store.Executors.RegisterAsync(
            A.Executor($"executor-{on.Next()}") with { Workflows = [new(A.Name, "fingerprint")] }, on.Cancel)),
        ["lease"] = new(
            Executors.Renew, on => on.Store.Executors.RenewAsync(A.ExecutorId, "first launch", TimeSpan.FromHours(1), on.Cancel)),
        ["executors"] = new(Executors.ReadAll, on => on.Store.Executors.ReadAsync(A.Application, on.Cancel)),
        ["proof of death"] = new(Executors.Expire, on => on.Store.Executors.ExpireAsync("dead", "first launch", on.Cancel)),
        ["hand on what the dead had"] = new(Executors.HandOn, on => on.Store.Executors.HandOnAsync(
            A.HandOn("dead") with { Limit = 30, Observer = A.ExecutorId, Except = Except }, on.Cancel)),
        ["hand on what nobody has"] = new(Executors.HandOnOrphans, on => on.Store.Executors.HandOnOrphansAsync(
            A.HandOn() with { Limit = 30, Observer = A.ExecutorId, Except = Except }, TimeSpan.FromMinutes(1), on.Cancel)),
        ["hand back"] = new(
            Executors.HandBack, on => on.Store.Executors.HandBackAsync([on.Running(), on.Running()], attempted: false, on.Cancel)),
        ["stop"] = new(Executors.Stop, on => on.Store.Executors.StopAsync("stopping", "first launch", on.Cancel)),
        ["lost executions"] = new(Workflows.ReadLost, on => on.Store.Workflows.ReadLostAsync(
            [.. Enumerable.Range(1, 200).Select(number => new Ownership($"r{number}", $"t{number}"))], on.Cancel)),
        ["passed deadlines"] = new(
            Workflows.CancelExpired, on => on.Store.Workflows.CancelExpiredAsync(A.Application, 20, A.CancelError, on.Cancel)),
        ["stranded in line"] = Look(WorkflowState.Enqueued),
        ["stranded and delayed"] = Look(WorkflowState.Delayed),
        ["stranded and running"] = Look(WorkflowState.Pending),
    };

    private static HotCall Look(WorkflowState state) => new(
        Stranded.Read(state),
        on => on.Store.Versions.ReadStrandedAsync(new StrandedQuestion(A.Application, state, PageKey.BeforeAll, 500), on.Cancel))
    {
        NeedsStatistics = true,
    };
}
