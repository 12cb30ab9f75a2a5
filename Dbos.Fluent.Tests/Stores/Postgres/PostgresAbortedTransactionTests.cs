using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Starts and messages in a transaction of the caller's that PostgreSQL has aborted.</summary>
public sealed class PostgresAbortedTransactionTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    [Fact]
    public async Task An_aborted_transaction_takes_nothing_and_says_so()
    {
        var workflow = Workflow.Define<int, int>("w").Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        await using var connection = await Database.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using (var command = connection.CreateCommand())
        {
            command.Transaction = transaction;
            command.CommandText = "SELECT 1 / 0";
            await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancel));
        }

        var start = await Assert.ThrowsAsync<InvalidOperationException>(
            () => engine.StartInTransactionAsync(transaction, workflow, 1, new() { Id = "A", Queue = "line" }, Cancel));
        var send = await Assert.ThrowsAsync<InvalidOperationException>(
            () => engine.SendInTransactionAsync(transaction, "A", "hello", cancellationToken: Cancel));

        Assert.StartsWith("The transaction is aborted", start.Message, StringComparison.Ordinal);
        Assert.StartsWith("The transaction is aborted", send.Message, StringComparison.Ordinal);
    }

    // Whoever repeats transactions looks for the driver's exceptions, and the database is not away.
    [Fact]
    public async Task What_ends_a_transaction_over_another_one_is_the_drivers_exception()
    {
        var workflow = Workflow.Define<int, int>("w").Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")).ListenTo = [], workflow);
        await using var connection = await Database.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, Cancel);
        await using (var command = connection.CreateCommand())
        {
            command.Transaction = transaction;
            command.CommandText = "SELECT 1";
            await command.ExecuteNonQueryAsync(Cancel);
        }

        await engine.StartAsync(workflow, 1, new() { Id = "A", Queue = "line", DeduplicationId = "d" }, Cancel);

        var conflict = await Assert.ThrowsAsync<PostgresException>(() => engine.StartInTransactionAsync(
            transaction, workflow, 2, new() { Id = "B", Queue = "line", DeduplicationId = "d" }, Cancel));
        Assert.Equal(PostgresErrorCodes.SerializationFailure, conflict.SqlState);
    }
}
