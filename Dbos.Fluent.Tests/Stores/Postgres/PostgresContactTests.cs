using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>What a store knows of a server that was away: the first call that comes through tells all that failed before.</summary>
public sealed class PostgresContactTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    [Fact]
    public async Task A_call_that_comes_through_tells_those_that_did_not()
    {
        var (proxy, connection) = TcpProxy.Before(((PostgresTestDatabase)Database).ConnectionString);
        await using var between = proxy;
        await using var source = NpgsqlDataSource.Create(connection);
        await using var store = new PostgresStore(
            source, ownsDataSource: false, MigratedDatabases.Schema, new StoreOptions { Logger = NullLogger.Instance });
        Assert.Null(await store.Workflows.ReadAsync("nobody", Cancel));

        proxy.Mode = ProxyMode.Refuse;
        proxy.Cut();
        var first = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Workflows.ReadAsync("nobody", Cancel));
        var second = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => store.Commits.CommitAsync([A.Start(A.Enqueued("w"))], Cancel).AsTask());
        Assert.False(first.Contact!.Back.IsCompleted);
        Assert.Same(first.Contact, second.Contact);
        var back = first.Contact.Back;

        proxy.Mode = ProxyMode.Forward;
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    return await store.Workflows.ReadAsync("nobody", Cancel) is null;
                }
                catch (StoreUnavailableException)
                {
                    return false;
                }
            },
            Bounded.Limit);

        await back.Within(Bounded.Limit);
    }
}
