using System.Data.Common;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Starts and messages that are part of the caller's own transaction, and what the SQL functions of the database start.</summary>
public abstract class OutboxSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly StartOptions Line = new() { Queue = "line" };

    [Fact]
    public async Task What_is_started_and_sent_in_a_transaction_exists_if_it_commits()
    {
        var workflow = Receiver();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        await using var connection = await Database.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var handle = await engine.StartInTransactionAsync(transaction, workflow, 1, Line with { Id = "A" }, Cancel);
        await engine.SendInTransactionAsync(transaction, "A", "hello", cancellationToken: Cancel);
        await ExecuteAsync(transaction, "UPDATE workflow_status SET priority = 7 WHERE workflow_uuid = 'A'");
        Assert.Null(await engine.GetStatusAsync("A", Cancel));
        await transaction.CommitAsync(Cancel);

        Assert.Equal("hello", await handle.ResultAsync());
        Assert.Equal(7, (await engine.GetStatusAsync("A", Cancel))!.Priority);
    }

    [Fact]
    public async Task What_is_started_and_sent_in_a_transaction_that_is_rolled_back_never_was()
    {
        var workflow = Receiver();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        var waiting = await engine.BeginAsync(workflow, 1, "B");
        await using var connection = await Database.ConnectAsync();
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await engine.StartInTransactionAsync(transaction, workflow, 1, Line with { Id = "A" }, Cancel);
            await engine.SendInTransactionAsync(transaction, "B", "never sent", cancellationToken: Cancel);
            await transaction.RollbackAsync(Cancel);
        }

        Assert.Null(await engine.GetStatusAsync("A", Cancel));
        Assert.Empty(await engine.GetMessagesAsync("B", Cancel));
        await engine.SendAsync("B", "sent", cancellationToken: Cancel);
        Assert.Equal("sent", await waiting.ResultAsync());
    }

    // CL-02
    [Fact]
    public async Task A_refused_start_leaves_the_transaction_good()
    {
        var workflow = Receiver();
        var engine = await LaunchAsync(workflow);
        var held = new StartOptions { Id = "A", Queue = "nobody's", DeduplicationId = "d" };
        await engine.StartAsync(workflow, 1, held, Cancel);
        await using var connection = await Database.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(Cancel);

        await Assert.ThrowsAsync<QueueDeduplicatedException>(
            () => engine.StartInTransactionAsync(transaction, workflow, 2, held with { Id = "B" }, Cancel));
        var attaching = held with { Id = "B", DeduplicationPolicy = DeduplicationPolicy.ReturnExisting };
        var refused = await Assert.ThrowsAsync<ArgumentException>(
            () => engine.StartInTransactionAsync(transaction, workflow, 2, attaching, Cancel));
        Assert.Equal("options", refused.ParamName);
        await Assert.ThrowsAsync<WorkflowIdInUseException>(
            () => engine.StartInTransactionAsync(transaction, workflow, 2, new() { Id = "A", IdReuse = IdReuse.Reject }, Cancel));
        await Assert.ThrowsAsync<NonExistentWorkflowException>(
            () => engine.SendInTransactionAsync(transaction, "unknown", "hello", cancellationToken: Cancel));
        await engine.StartInTransactionAsync(transaction, workflow, 2, new() { Id = "C", Queue = "nobody's" }, Cancel);
        await transaction.CommitAsync(Cancel);

        await Assert.ThrowsAsync<ArgumentException>(
            () => engine.StartInTransactionAsync(transaction, workflow, 2, Line, Cancel));
        var rows = await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status ORDER BY 1");
        Assert.Equal("A C", string.Join(' ', rows.Select(row => row[0])));
    }

    private static async Task ExecuteAsync(DbTransaction transaction, string sql)
    {
        await using var command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static WorkflowDefinition<int, string> Receiver() =>
        Workflow.Define<int, string>("receiver").Receive<string>().As(out var message).Return(x => x.Get(message));
}
