using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What the suites of the store contract share. Their tests are inherited by one empty class for each store.</summary>
public abstract class StoreSuite(StoreFixture fixture)
{
    private protected static readonly string[] None = [];

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected StoreFixture Fixture { get; } = fixture;

    private protected static async Task<CommitResult> CommitAsync(IStore store, CommitUnit unit) =>
        Assert.Single(await store.Commits.CommitAsync([unit], Cancel));

    private protected static async Task<CommitStatus[]> StatusesAsync(IStore store, params CommitUnit[] units) =>
        [.. (await store.Commits.CommitAsync(units, Cancel)).Select(result => result.Status)];

    /// <summary>Starts a workflow that runs, and gives what its owner writes with.</summary>
    private protected static async Task<Ownership> RunningAsync(StoreBed bed, WorkflowInsert row)
    {
        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, A.Start(row))).Status);
        return new Ownership(row.Id, row.Token);
    }

    private protected static Task<Ownership> RunningAsync(StoreBed bed, string id) => RunningAsync(bed, A.Direct(id));

    /// <summary>Starts workflows one second apart.</summary>
    private protected static async Task EnqueueAsync(StoreBed bed, params WorkflowInsert[] rows)
    {
        foreach (var row in rows)
        {
            Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, A.Start(row))).Status);
            bed.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private protected static async Task<string[]> ClaimIdsAsync(IStore store, ClaimRequest request) =>
        [.. (await store.Claims.ClaimAsync(request, Cancel)).Claimed.Select(workflow => workflow.Id)];

    private protected static async Task<ClaimedWorkflow> ClaimOneAsync(IStore store, ClaimRequest request) =>
        Assert.Single((await store.Claims.ClaimAsync(request, Cancel)).Claimed);

    /// <summary>Asserts columns of one row; those not named may be anything.</summary>
    private protected static void HasColumns(IReadOnlyDictionary<string, object?> row, params (string Column, object? Value)[] expected)
    {
        var differing =
            from column in expected
            where !Equals(row[column.Column], column.Value is int number ? (long)number : column.Value)
            select $"{column.Column} is {row[column.Column] ?? "null"}, expected {column.Value ?? "null"}";

        Breaches.None(differing);
    }
}
