using Dbos.Fluent.Storage;
using Microsoft.Data.Sqlite;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteFileSharingTests : SqliteFileTest
{
    [Fact]
    public async Task Stores_write_to_one_file_at_once_without_errors()
    {
        var stores = new[] { Store, Open(), Open(), Open() };

        var results = await Task.WhenAll(stores.Select((store, number) => WriteManyAsync(store, $"store {number}"))).Within(Bounded.Limit);

        Assert.All(results.SelectMany(result => result), result => Assert.Equal(CommitStatus.Written, result.Status));
        Assert.Equal(4 * 50, await Database.CountAsync("SELECT count(*) FROM operation_outputs"));
    }

    [Fact]
    public async Task A_foreign_lock_is_waited_for()
    {
        await using var foreign = await LockAsync();

        var writing = StartAsync(Direct("a"));
        var reading = Store.Workflows.ReadAsync("a", Cancel);

        Assert.Null(await reading.Within(Bounded.Limit));
        Assert.False(writing.IsCompleted);
        await UnlockAsync(foreign);
        Assert.Equal([CommitStatus.Written], await writing.Within(Bounded.Limit));
    }

    [Fact]
    public async Task A_lock_that_outlasts_the_command_timeout_makes_the_store_unavailable_until_it_is_gone()
    {
        var store = Open(commandTimeout: TimeSpan.FromMilliseconds(50));
        var foreign = await LockAsync();
        await using (foreign)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(
                () => store.Commits.CommitWaitingAsync(new StartUnit(Direct("a")), Cancel).AsTask()).Within(Bounded.Limit);
            await UnlockAsync(foreign);
        }

        Assert.Equal(CommitStatus.Written, (await store.Commits.CommitWaitingAsync(new StartUnit(Direct("a")), Cancel)).Status);
    }

    [Fact]
    public async Task A_caller_may_give_up_waiting_and_nothing_is_written_then()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var foreign = await LockAsync();
        var first = Store.Commits.CommitWaitingAsync(new StartUnit(Direct("first")), patience.Token).AsTask();
        var second = Store.Commits.CommitWaitingAsync(new StartUnit(Direct("second")), patience.Token).AsTask();

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first).Within(Bounded.Limit);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second).Within(Bounded.Limit);
        await UnlockAsync(foreign);
        await StartAsync(Direct("third"));
        Assert.Equal("third", await Database.ScalarAsync("SELECT group_concat(workflow_uuid) FROM workflow_status"));
    }

    [Fact]
    public async Task Disposing_ends_what_waits_and_frees_the_file()
    {
        var store = Open();
        var foreign = await LockAsync();
        var waiting = store.Commits.CommitWaitingAsync(new StartUnit(Direct("a")), Cancel).AsTask();

        await store.DisposeAsync().Within(Bounded.Limit);
        await store.DisposeAsync().Within(Bounded.Limit);

        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.Workflows.ReadAsync("a", Cancel));
        Assert.Throws<ObjectDisposedException>(() => store.Executors.Renew("e", "i", Bounded.Limit, Bounded.Limit));
        await UnlockAsync(foreign);
        await foreign.DisposeAsync();
        await Store.DisposeAsync().Within(Bounded.Limit);
        Assert.Equal([Database.Path], Directory.GetFiles(Path.GetDirectoryName(Database.Path)!));
    }

    [Fact]
    public async Task Another_stores_commits_are_noticed_and_own_ones_are_not()
    {
        await using var signals = Store.Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await signals.MoveNextAsync().Within(Bounded.Limit));
        var next = signals.MoveNextAsync().AsTask();

        // Many, so that the file is looked at between them: the looks stand in one line with the commits.
        for (var number = 0; number < 50; number++)
        {
            await StartAsync(Direct($"own {number}"));
        }

        Assert.False(next.IsCompleted);
        await Open().Commits.CommitWaitingAsync(new StartUnit(Enqueued("other")), Cancel);
        Assert.True(await next.Within(Bounded.Limit));
        Assert.Equal(StoreSignal.Anything, signals.Current);
    }

    [Fact]
    public async Task Listening_ends_when_it_is_cancelled()
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var signals = Store.Signals.ListenAsync(enough.Token).GetAsyncEnumerator(Cancel);
        await signals.MoveNextAsync().Within(Bounded.Limit);
        var next = signals.MoveNextAsync().AsTask();

        await enough.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next).Within(Bounded.Limit);
    }

    private static async Task<CommitResult[]> WriteManyAsync(IStore store, string prefix)
    {
        var results = new List<CommitResult>();
        for (var number = 0; number < 50; number++)
        {
            var id = $"{prefix}, {number}";
            results.AddRange(await store.Commits.CommitAsync([new StartUnit(Direct(id)), Checkpoint(id, 0), Success(id)], Cancel));
        }

        return [.. results];
    }

    private async Task<SqliteConnection> LockAsync()
    {
        var connection = new SqliteConnection($"Data Source={Database.Path};Pooling=False");
        await connection.OpenAsync(Cancel);
        await ExecuteAsync(connection, "BEGIN IMMEDIATE");
        return connection;
    }

    private static Task UnlockAsync(SqliteConnection connection) => ExecuteAsync(connection, "ROLLBACK");

    private static async Task ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
