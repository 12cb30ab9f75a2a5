using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>
/// A server that is away: the first call that comes through tells all that failed before, and a client is there for its caller meanwhile.
/// </summary>
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

    // CL-04
    [Fact]
    public async Task A_client_of_a_server_that_is_away_heeds_its_callers_token_and_a_connect_that_is_refused_says_so()
    {
        var (proxy, connection) = TcpProxy.Before(((PostgresTestDatabase)Database).ConnectionString);
        await using var between = proxy;
        proxy.Mode = ProxyMode.Refuse;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => ConnectAsync(Cancel).Within(Bounded.Limit));
        proxy.Mode = ProxyMode.Hang;
        await GivenUpAsync(ConnectAsync);
        proxy.Mode = ProxyMode.Forward;
        await using var client = await ConnectAsync(Cancel).Within(Bounded.Limit);

        foreach (var mode in (ProxyMode[])[ProxyMode.Refuse, ProxyMode.Hang])
        {
            proxy.Mode = mode;
            proxy.Cut();
            await GivenUpAsync(token => client.EnqueueAsync<int>("nothing", [], new() { Queue = "q" }, token));
            await GivenUpAsync(token => client.Retrieve<int>("nobody").GetResultAsync(token));
        }

        proxy.Mode = ProxyMode.Forward;
        Assert.Null(await client.GetStatusAsync("nobody", Cancel).Within(Bounded.Limit));

        Task<WorkflowClient> ConnectAsync(CancellationToken token) =>
            WorkflowClient.ConnectAsync(options => options.UsePostgres(connection), token);
    }

    private static async Task GivenUpAsync<T>(Func<CancellationToken, Task<T>> call)
    {
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var called = call(caller.Token);
        Assert.False(called.IsCompleted);
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => called.Within(Bounded.Limit));
    }
}
