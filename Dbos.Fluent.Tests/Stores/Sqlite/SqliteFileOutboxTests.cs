using Dbos.Fluent.Storage;
using Microsoft.Data.Sqlite;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>A caller's transaction on a SQLite file: which file, and which lock.</summary>
public sealed class SqliteFileOutboxTests : SqliteFileTest
{
    [Fact]
    public async Task A_transaction_on_another_file_is_refused()
    {
        await using var other = new SqliteTestDatabase();
        await using var connection = Connect(other.Path);
        await using var transaction = (SqliteTransaction)await connection.BeginTransactionAsync(Cancel);

        var refused = await Assert.ThrowsAsync<ArgumentException>(
            () => Store.Outbox.StartAsync(transaction, new StartUnit(Enqueued("a")), Cancel));

        Assert.Contains(Path.GetFileName(other.Path), refused.Message, StringComparison.Ordinal);
    }

    // The driver's object does not know of it: what is written then would be committed by itself.
    [Fact]
    public async Task A_transaction_that_SQLite_has_rolled_back_is_refused_and_nothing_is_written()
    {
        await using var connection = Connect(Database.Path);
        await using (var transaction = (SqliteTransaction)await connection.BeginTransactionAsync(Cancel))
        {
            await using var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)";
            await command.ExecuteNonQueryAsync(Cancel);
            command.CommandText = "INSERT OR ROLLBACK INTO orders VALUES (1)";
            await Assert.ThrowsAsync<SqliteException>(() => command.ExecuteNonQueryAsync(Cancel));

            var refused = await Assert.ThrowsAsync<ArgumentException>(
                () => Store.Outbox.StartAsync(transaction, new StartUnit(Enqueued("a")), Cancel));
            Assert.Contains("rolled it back", refused.Message, StringComparison.Ordinal);
        }

        Assert.Null(await Store.Workflows.ReadAsync("a", Cancel));
    }

    [Fact]
    public async Task A_file_that_a_link_leads_to_is_the_same()
    {
        using var folder = new TempFolder();
        File.CreateSymbolicLink(folder["link.sqlite"], Database.Path);
        await using var connection = Connect(folder["link.sqlite"]);
        await using var transaction = (SqliteTransaction)await connection.BeginTransactionAsync(Cancel);

        Assert.Equal(CommitStatus.Written, (await Store.Outbox.StartAsync(transaction, new StartUnit(Enqueued("a")), Cancel)).Status);
        await transaction.CommitAsync(Cancel);

        Assert.Equal("orders", (await ReadAsync("a")).Status.Queue);
    }

    [Fact]
    public async Task A_deferred_transaction_waits_for_the_lock_when_it_first_writes()
    {
        await using var holding = Connect(Database.Path);
        await using var held = (SqliteTransaction)await holding.BeginTransactionAsync(Cancel);
        await using var connection = Connect(Database.Path);
        await using var transaction = BeginDeferred(connection);

        var start = Store.Outbox.StartAsync(transaction, new StartUnit(Enqueued("a")), Cancel);
        Assert.False(start.IsCompleted);
        await held.RollbackAsync(Cancel);

        Assert.Equal(CommitStatus.Written, (await start.Within(Bounded.Limit)).Status);
        await transaction.CommitAsync(Cancel);
        Assert.Equal("orders", (await ReadAsync("a")).Status.Queue);
    }

    [Fact]
    public async Task A_deferred_transaction_waits_for_the_lock_when_it_first_sends()
    {
        await StartAsync(Enqueued("a"));
        await using var holding = Connect(Database.Path);
        await using var held = (SqliteTransaction)await holding.BeginTransactionAsync(Cancel);
        await using var connection = Connect(Database.Path);
        await using var transaction = BeginDeferred(connection);

        var send = Store.Outbox.SendAsync(transaction, new MessageRow("m", "a", "t", new("1", "portable_json")), Cancel);
        Assert.False(send.IsCompleted);
        await using (var write = holding.CreateCommand())
        {
            write.CommandText = "UPDATE workflow_status SET updated_at = updated_at + 1";
            await write.ExecuteNonQueryAsync(Cancel);
        }

        await held.CommitAsync(Cancel);

        Assert.Equal(CommitStatus.Written, (await send.Within(Bounded.Limit)).Status);
        await transaction.CommitAsync(Cancel);
    }

    [Fact]
    public async Task A_transaction_whose_snapshot_is_old_is_told_so_and_stays_readable()
    {
        await using var connection = Connect(Database.Path);
        await using var transaction = BeginDeferred(connection);
        Assert.Equal(0, await CountAsync(connection));
        await StartAsync(Enqueued("b"));

        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => Store.Outbox.StartAsync(transaction, new StartUnit(Enqueued("a")), Cancel)).Within(Bounded.Limit);

        Assert.Equal(0, await CountAsync(connection));
    }

    [Fact]
    public async Task A_store_that_lost_the_tables_leaves_the_callers_rows()
    {
        await using var connection = Connect(Database.Path);
        await ExecuteAsync(connection, "CREATE TABLE orders (id TEXT)");
        await using var transaction = (SqliteTransaction)await connection.BeginTransactionAsync(Cancel);
        await ExecuteAsync(connection, "INSERT INTO orders VALUES ('o-1'); ALTER TABLE workflow_input RENAME TO elsewhere");

        await Assert.ThrowsAsync<StoreSchemaException>(
            () => Store.Outbox.StartAsync(transaction, new StartUnit(Enqueued("a")), Cancel));
        await ExecuteAsync(connection, "ALTER TABLE elsewhere RENAME TO workflow_input");
        await transaction.CommitAsync(Cancel);

        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM orders"));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    private static SqliteConnection Connect(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False;Default Timeout=30");
        connection.Open();
        return connection;
    }

    private static SqliteTransaction BeginDeferred(SqliteConnection connection) => connection.BeginTransaction(deferred: true);

    private static async Task<long> CountAsync(SqliteConnection connection)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM workflow_status";
        return (long)(await command.ExecuteScalarAsync(Cancel))!;
    }

    private static async Task ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
