using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Examples of waits, and workflows that are parked on them.</summary>
internal static class Parking
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static WaitRow Until(long wakeAtMs, string id = "w", int sequence = 3) => new(sequence, WaitKind.Time, id, "", wakeAtMs);

    public static WaitRow ForMessage(string id = "w", string topic = "approval", long? wakeAtMs = null, int sequence = 4) =>
        new(sequence, WaitKind.Message, id, topic, wakeAtMs);

    public static WaitRow ForEvent(string target, string key, long? wakeAtMs = null, int sequence = 5) =>
        new(sequence, WaitKind.Event, target, key, wakeAtMs);

    public static WaitRow ForOutcome(string target, int sequence = 6) => new(sequence, WaitKind.Outcome, target, "", null);

    /// <summary>A running workflow that leaves.</summary>
    public static async Task<Ownership> ParkedAsync(StoreBed bed, WorkflowInsert row, params WaitRow[] waits)
    {
        var owner = new Ownership(row.Id, row.Token);
        foreach (var unit in (CommitUnit[])[A.Start(row), new ParkUnit(owner, waits)])
        {
            Assert.Equal(CommitStatus.Written, Assert.Single(await bed.Store.Commits.CommitAsync([unit], Cancel)).Status);
        }

        return owner;
    }

    public static Task<Ownership> ParkedAsync(StoreBed bed, string id, params WaitRow[] waits) => ParkedAsync(bed, A.Direct(id), waits);

    public static async Task<string[]> ClaimIdsAsync(StoreBed bed, ParkedScope scope, ClaimRequest? request = null) =>
        [.. (await bed.Store.Claims.ClaimParkedAsync(request ?? A.Claim("next"), scope, Cancel)).Claimed.Select(workflow => workflow.Id)];

    public static async Task<ClaimedWorkflow> ClaimOneAsync(StoreBed bed, ParkedScope scope, string token = "next") =>
        Assert.Single((await bed.Store.Claims.ClaimParkedAsync(A.Claim(token), scope, Cancel)).Claimed);

    public static Task<int> SendAsync(StoreBed bed, string destination, string topic = "approval") => bed.ExecuteAsync(
        """
        INSERT INTO notifications (message_uuid, destination_uuid, topic, message, created_at_epoch_ms)
        VALUES (@id, @destination, @topic, 'hello', 1)
        """,
        ("@id", Guid.NewGuid().ToString()),
        ("@destination", destination),
        ("@topic", topic));

    public static Task<int> SetEventAsync(StoreBed bed, string workflowId, string key) => bed.ExecuteAsync(
        "INSERT INTO workflow_events (workflow_uuid, key, value) VALUES (@id, @key, 'set')", ("@id", workflowId), ("@key", key));
}
