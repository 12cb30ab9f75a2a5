using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Examples of queues, and of what a process asks of them.</summary>
internal static class Queueing
{
    public static WorkflowQueue Line { get; } = new(A.Queue);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static QueueRegistration Registration(WorkflowQueue queue, OnConflict policy = OnConflict.AlwaysUpdate) =>
        new(queue, policy, A.Application, A.Version);

    public static Task<QueueRegistered> RegisterAsync(StoreBed bed, WorkflowQueue queue) =>
        bed.Store.Queues.RegisterAsync(Registration(queue), Cancel);

    public static WorkflowInsert Delayed(string id, long delayMs = 60_000) =>
        A.Enqueued(id) with { State = WorkflowState.Delayed, DelayMs = delayMs };

    public static WorkflowInsert InPartition(string id, string? partition) => A.Enqueued(id) with { PartitionKey = partition };

    public static QueueShare Share(int runningHere = 0, string after = "", params (string Partition, int Running)[] byPartition) =>
        new(A.Queue, runningHere, [.. byPartition.Select(one => KeyValuePair.Create(one.Partition, one.Running))], after);

    /// <summary>Enqueues workflows one second apart.</summary>
    public static async Task EnqueueAsync(StoreBed bed, params string[] ids)
    {
        foreach (var id in ids)
        {
            await EnqueueAsync(bed, A.Enqueued(id));
        }
    }

    /// <summary>Enqueues workflows whose first letter is their partition, one second apart.</summary>
    public static async Task EnqueueByLetterAsync(StoreBed bed, params string[] ids)
    {
        foreach (var id in ids)
        {
            await EnqueueAsync(bed, InPartition(id, id[..1]));
        }
    }

    public static Task<LimitedClaim> ClaimAsync(StoreBed bed, string token, int limit = 100, QueueShare? share = null) =>
        bed.Store.Claims.ClaimLimitedAsync(A.Claim(token, limit), share ?? Share(), Cancel);

    public static async Task<string[]> ClaimIdsAsync(StoreBed bed, string token, int limit = 100, QueueShare? share = null) =>
        IdsOf(await ClaimAsync(bed, token, limit, share));

    public static string[] IdsOf(LimitedClaim claim) => [.. claim.Result.Claimed.Select(workflow => workflow.Id)];

    /// <summary>Ends a workflow that a claim with this token took.</summary>
    public static async Task EndAsync(StoreBed bed, string id, string token) => Assert.Equal(
        CommitStatus.Written, Assert.Single(await bed.Store.Commits.CommitAsync([A.Outcome(new Ownership(id, token))], Cancel)).Status);

    private static async Task EnqueueAsync(StoreBed bed, WorkflowInsert row)
    {
        Assert.Equal(CommitStatus.Written, Assert.Single(await bed.Store.Commits.CommitAsync([A.Start(row)], Cancel)).Status);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
    }
}
