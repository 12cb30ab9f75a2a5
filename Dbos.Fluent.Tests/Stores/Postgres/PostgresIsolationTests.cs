using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A database whose transactions begin in another isolation than PostgreSQL's own default.</summary>
public sealed class PostgresIsolationTests(PostgresStores stores) : StoreSuite(stores), IClassFixture<PostgresStores>
{
    private const string Strict = ";Options=-c default_transaction_isolation=serializable";

    [Fact]
    public async Task Claims_that_wait_for_each_other_count_what_the_other_took()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 1 });
        await Queueing.EnqueueAsync(bed, "a", "b");
        await using var one = Open(bed.ConnectionString + Strict, notifications: true);
        await using var other = Open(bed.ConnectionString + Strict, notifications: true);
        await using var holding = new NpgsqlConnection(bed.ConnectionString + ";Search Path=" + PostgresStores.Schema);
        await holding.OpenAsync(Cancel);
        await using var hold = new NpgsqlCommand("BEGIN; SELECT 1 FROM queues FOR UPDATE", holding);
        await hold.ExecuteNonQueryAsync(Cancel);

        var claims = new[] { one, other }
            .Select((store, number) => store.Claims.ClaimLimitedAsync(A.Claim($"token {number}"), Queueing.Share(), Cancel)).ToArray();
        await NpgsqlParking.BlockedByAsync(bed.ConnectionString, holding.ProcessID);
        await holding.CloseAsync();

        var taken = (await Task.WhenAll(claims).Within(Bounded.Limit)).SelectMany(Queueing.IdsOf);
        Assert.Equal(["a"], taken);
    }

    [Fact]
    public async Task Without_notifications_where_it_cannot_be_set_it_is_refused_at_launch()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await using var store = Open(bed.ConnectionString + Strict, notifications: false);

        var refusal = await Assert.ThrowsAsync<StoreSchemaException>(() => store.Schema.MigrateAsync(Cancel));

        Assert.Contains("'serializable'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("ALTER ROLE", refusal.Message, StringComparison.Ordinal);
    }

#pragma warning disable CA2000 // The store owns its data source.
    private static PostgresStore Open(string connection, bool notifications) => new(
        NpgsqlDataSource.Create(connection),
        true,
        PostgresStores.Schema,
        new StoreOptions { Logger = NullLogger.Instance, Notifications = notifications });
#pragma warning restore CA2000
}
