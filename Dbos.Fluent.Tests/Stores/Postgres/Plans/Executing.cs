using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>What a call of the store needs of its own: each gives something that no other call has been given.</summary>
internal sealed class Executing(IStore store, NpgsqlDataSource source)
{
    // Its inbox and its stream are the long ones.
    private int running = 1;
    private int number;

    public IStore Store => store;

    public NpgsqlDataSource Source => source;

    public CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A running workflow that nothing was done with.</summary>
    public Ownership Running()
    {
        running++;
        Assert.InRange(running, 2, LargeTables.Running - LargeTables.RunningElsewhere);
        return new Ownership($"r{running}", $"t{running}");
    }

    /// <summary>The running workflow with much of everything.</summary>
    public Ownership Busy { get; } = new("r1", "t1");

    /// <summary>A number that stands nowhere in the tables, as an id or as a step.</summary>
    public int Next() => 100_000 + ++number;

    /// <summary>Writes units as running workflows do, in one batch.</summary>
    public async Task CommitAsync(params CommitUnit[] units) => await store.Commits.CommitAsync(units, Cancel);

    /// <summary>Writes a unit that was busy.</summary>
    public async Task CommitWaitingAsync(CommitUnit unit) => await store.Commits.CommitWaitingAsync(unit, Cancel);

    public ClaimRequest Claim(int limit = 20) =>
        A.Claim($"claim {Next()}", limit) with { Queues = ["long", "whole", A.InternalQueue], RecoveryAttemptsMax = 100 };
}
