using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A cancel of a tree that grows while the cancel waits for locks. Scenario CR.</summary>
public sealed class PostgresCancelTreeTests(PostgresStores stores) : StoreSuite(stores), IClassFixture<PostgresStores>
{
    // Each look of the cancel sees the children that its last wait was for, and not yet those which they have begun meanwhile.
    [Fact]
    public async Task Descendants_that_begin_while_a_cancel_waits_for_their_parents_are_cancelled_too()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await RunningAsync(bed, "parent");
        await RunningAsync(bed, A.Direct("a") with { ParentId = "parent" });
        await RunningAsync(bed, A.Direct("b") with { ParentId = "parent" });
        await using var first = await BeginChildAsync(bed, "child of a", "a");
        var second = await bed.HoldAsync("b");

        var cancelling = bed.Store.Workflows.CancelAsync(["parent"], true, A.CancelError, Cancel);
        await WaitsForAsync(bed, first);
        await first.CommitAsync();
        await using var third = await BeginChildAsync(bed, "grandchild of a", "child of a");
        await second.DisposeAsync();
        await WaitsForAsync(bed, third);
        await third.CommitAsync();

        var cancelled = await cancelling.Within(Bounded.Limit);
        Assert.Equal(["a", "b", "child of a", "grandchild of a", "parent"], cancelled.Order(StringComparer.Ordinal));
        Assert.Empty(await bed.QueryAsync("SELECT workflow_uuid FROM workflow_status WHERE status <> 'CANCELLED'"));
    }

    // As a run does: under the lock of its own row.
    private static async Task<CallersTransaction> BeginChildAsync(StoreBed bed, string child, string parent)
    {
        var transaction = await bed.BeginAsync();
        await transaction.ExecuteAsync($"SELECT 1 FROM workflow_status WHERE workflow_uuid = '{parent}' FOR NO KEY UPDATE");
        await transaction.ExecuteAsync(
            $"""
            INSERT INTO workflow_status (workflow_uuid, status, name, parent_workflow_id, owner_xid, created_at, updated_at, priority)
            VALUES ('{child}', 'PENDING', 'child', '{parent}', 'token', 1, 1, 0)
            """);
        return transaction;
    }

    private static Task WaitsForAsync(PostgresBed bed, CallersTransaction transaction) =>
        NpgsqlParking.BlockedByAsync(bed.ConnectionString, ((NpgsqlConnection)transaction.Transaction.Connection!).ProcessID);
}
