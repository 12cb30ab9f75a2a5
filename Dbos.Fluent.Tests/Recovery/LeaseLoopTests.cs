using Dbos.Fluent.Execution;
using Dbos.Fluent.Recovery;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Stores.Sqlite;
using Dbos.Fluent.Tests.Worker.Faults;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Tests.Recovery;

/// <summary>How an executor comes back to its lease after a gap.</summary>
public sealed class LeaseLoopTests(SqliteStores stores) : IClassFixture<SqliteStores>
{
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(600);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // A renewal may take a second here. Both together never end in one.
    [Fact]
    public async Task What_is_looked_at_after_a_gap_has_a_time_of_its_own()
    {
        await using var bed = await stores.CreateAsync();
        var faults = new CallFaults
        {
            Before = (call, token) => call.Kind == StoreCallKind.Renew ? AnswerSlowlyAsync(token) : Task.CompletedTask,
        };
        var self = A.Executor() with { Lease = TimeSpan.FromSeconds(3) };
        await bed.Store.Executors.RegisterAsync(self, Cancel);
        var lease = new Lease(self.Lease);
        await using var loop = new LeaseLoop(
            new FaultingStore(bed.Store, faults), self, lease, new StoreClock(TimeProvider.System), NullLogger.Instance)
        {
            AfterGap = AnswerSlowlyAsync,
        };
        lease.End();
        loop.Start();

        await lease.RenewNow(Cancel).Within(Bounded.Limit);

        Assert.True(lease.IsAlive);
    }

    // The limit is on the system's clock, as is all about leases: what is to be compared with it takes real time.
    private static async Task AnswerSlowlyAsync(CancellationToken cancellationToken)
    {
        using var answer = new CancellationTokenSource(Slow);
        using var until = CancellationTokenSource.CreateLinkedTokenSource(answer.Token, cancellationToken);
        var told = new TaskCompletionSource();
        await using var ends = until.Token.Register(told.SetResult);
        await told.Task;
        cancellationToken.ThrowIfCancellationRequested();
    }
}
