using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using static Dbos.Fluent.Tests.Stores.Postgres.Plans.HotCall;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What people do to workflows. Lists and collections have tests of their own.</summary>
internal static class ManagementCalls
{
    private static readonly WorkflowSql Workflows = new(Schema);
    private static readonly ForkSql Forks = new(Schema);
    private static readonly DeletionSql Deletions = new(Schema);
    private static readonly VersionSql Versions = new(Schema);

    public static Dictionary<string, HotCall> All { get; } = new()
    {
        ["cancel, its lock"] = new(Workflows.LockTree, on => CancelAsync(on, children: true)),
        ["cancel"] = new(Workflows.Cancel, on => CancelAsync(on, children: true)),
        ["cancel of one"] = new(Workflows.Cancel, on => CancelAsync(on, children: false)),
        ["resume, its lock"] = new(Workflows.LockAll, on => on.Store.Workflows.ResumeAsync([on.Running().WorkflowId], null, on.Cancel)),
        ["resume"] = new(Workflows.Resume, on => on.Store.Workflows.ResumeAsync([on.Running().WorkflowId], "long", on.Cancel)),
        ["fork, its lock"] = new(Forks.Lock, on => ForkAsync(on, 70)),
        ["fork, its place"] = new(Forks.ReadCuts, on => ForkAsync(on, 70)),
        ["fork"] = new(Forks.Fork, on => ForkAsync(on, 70)),
        ["fork from the beginning"] = new(Forks.StoreOwnOrigin, on => ForkAsync(on, 0)),
        ["fork under an id in use"] = new(Forks.ReadHolder, on => ForkAsync(on, 0, "s1")),
        ["rewind"] = new(
            Forks.Rewind, on => on.Store.Management.RewindAsync(new RewindRequest($"s{on.Next() - 99_000}", 0), on.Cancel)),
        ["attributes"] = new(
            Deletions.SetAttributes, on => on.Store.Management.SetAttributesAsync("q200", """{"a":1}""", on.Cancel)),
        ["deletion, its lock"] = new(Deletions.LockTree, on => DeleteAsync(on)),
        ["deletion"] = new(Deletions.Delete, on => DeleteAsync(on)),
        ["unfinished of a version"] = new(
            Versions.ReadUnfinished, on => on.Store.Versions.ReadUnfinishedAsync(A.Application, A.Version, "q2", 100, on.Cancel))
        {
            NeedsStatistics = true,
        },
        ["adoption"] = new(
            Versions.Adopt, on => on.Store.Versions.AdoptAsync(new AdoptedRow("q300", A.Version, "v2", 1), on.Cancel)),
    };

    private static Task<IReadOnlyList<string>> CancelAsync(Executing on, bool children) =>
        on.Store.Workflows.CancelAsync([on.Running().WorkflowId, "q250"], children, A.CancelError, on.Cancel);

    private static Task<ForkResult> ForkAsync(Executing on, int from, string? id = null) => on.Store.Management.ForkAsync(
        new ForkRequest("r100", new ForkCut(from, null), id ?? $"fork {on.Next()}", new ForkOptions()), on.Cancel);

    private static Task<IReadOnlyList<string>> DeleteAsync(Executing on) =>
        on.Store.Management.DeleteAsync([$"s{on.Next() - 98_000}"], children: true, on.Cancel);
}
