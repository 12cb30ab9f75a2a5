using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>In which database a caller's transaction is: what is written in another one would never run.</summary>
public sealed class PostgresOutboxPlaceTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private static readonly WorkflowDefinition<int, int> Echo = Workflow.Define<int, int>("w").Return(x => x.Input);
    private static readonly StartOptions Line = new() { Id = "A", Queue = "line" };
    private readonly PostgresDatabases fixture = fixture;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_transaction_in_another_database_is_refused_and_stays_good(bool hasTables)
    {
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), Echo);
        await engine.BeginAsync(Echo, 1, "B");
        await using var other = await (hasTables ? fixture.CreateMigratedAsync() : fixture.CreateAsync());
        await using var connection = await other.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(Cancel);

        var start = await Assert.ThrowsAsync<ArgumentException>(
            () => engine.StartInTransactionAsync(transaction, Echo, 1, Line, Cancel));
        var send = await Assert.ThrowsAsync<ArgumentException>(
            () => engine.SendInTransactionAsync(transaction, "B", "hello", cancellationToken: Cancel));

        var names = $"'{connection.Database}' at .+, and the workflows are in '{NameOf(Database)}' at ";
        Assert.Matches("^The transaction is in database " + names, start.Message);
        Assert.Matches("^The transaction is in database " + names, send.Message);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT 1";
        Assert.Equal(1, await command.ExecuteScalarAsync(Cancel));
    }

    [Fact]
    public async Task A_transaction_in_the_same_database_under_another_name_of_its_host_is_taken()
    {
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), Echo);
        var given = new NpgsqlConnectionStringBuilder(((PostgresTestDatabase)Database).ConnectionString);
        given.Host = given.Host == "localhost" ? "127.0.0.1" : "localhost";
        await using var connection = new NpgsqlConnection(given.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);

        var handle = await engine.StartInTransactionAsync(transaction, Echo, 1, Line, Cancel);
        await engine.SendInTransactionAsync(transaction, "A", "hello", cancellationToken: Cancel);
        await transaction.CommitAsync(Cancel);

        Assert.Equal(1, await handle.ResultAsync());
    }

    private static string? NameOf(TestDatabase database) =>
        new NpgsqlConnectionStringBuilder(((PostgresTestDatabase)database).ConnectionString).Database;
}
