using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>An empty database for one test, and a way to look at it and to change it behind the engine's back.</summary>
public abstract class TestDatabase : IAsyncDisposable
{
    /// <summary>What a worker process needs to open it: see <c>WorkerDatabase</c>.</summary>
    public abstract IReadOnlyDictionary<string, string> WorkerSettings { get; }

    /// <summary>Whether what one process writes is announced to the others; if not, they look from time to time.</summary>
    public virtual bool PushesSignals => false;

    /// <summary>Makes an engine or client use it.</summary>
    public abstract void Use(ClientOptions options);

    /// <summary>Runs a statement; tables are named without a schema.</summary>
    public async Task<int> ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>A connection of the test's own.</summary>
    public Task<DbConnection> ConnectAsync() => OpenAsync();

    /// <summary>Reads rows as texts; null columns as null.</summary>
    public async Task<List<string?[]>> QueryAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string?[]>();
        while (await reader.ReadAsync())
        {
            var row = new string?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = await reader.IsDBNullAsync(i)
                    ? null
                    : Convert.ToString(reader.GetValue(i), System.Globalization.CultureInfo.InvariantCulture);
            }

            rows.Add(row);
        }

        return rows;
    }

    /// <summary>Reads one value as text.</summary>
    public async Task<string?> ScalarAsync(string sql) => (await QueryAsync(sql)) is [{ } row, ..] ? row[0] : null;

    /// <summary>Reads one number.</summary>
    public async Task<long> CountAsync(string sql) =>
        long.Parse(await ScalarAsync(sql) ?? "0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Makes a workflow look as if its process had just died: PENDING, and owned by nobody living.</summary>
    public Task FlipAsync(string workflowId) => ExecuteAsync(
        $"UPDATE workflow_status SET status = 'PENDING', owner_xid = 'lost', completed_at = NULL WHERE workflow_uuid = '{workflowId}'");

    /// <summary>From now on no message announces itself, as if each announcement were lost.</summary>
    public virtual Task SilenceMessagesAsync() => Task.CompletedTask;

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    protected abstract Task<DbConnection> OpenAsync();
}

/// <summary>A file in a folder of its own.</summary>
public sealed class SqliteTestDatabase : TestDatabase
{
    private readonly TempFolder folder = new();

    public string Path => folder["test.sqlite"];

    public override IReadOnlyDictionary<string, string> WorkerSettings => new Dictionary<string, string> { ["sqlite"] = Path };

    public override void Use(ClientOptions options) => options.UseSqlite(Path);

    public override ValueTask DisposeAsync()
    {
        SqliteConnection.ClearAllPools();
        folder.Dispose();
        return base.DisposeAsync();
    }

    protected override async Task<DbConnection> OpenAsync()
    {
        var connection = new SqliteConnection($"Data Source={Path};Pooling=False;Default Timeout=30");
        await connection.OpenAsync();
        return connection;
    }
}

/// <summary>A database of its own on the server that the tests share.</summary>
public sealed class PostgresTestDatabase : TestDatabase
{
    private readonly bool notifications;
    private readonly MigratedDatabase? shared;
    private readonly NpgsqlDataSource questions;
    private readonly Func<Task> giveBack;
    private bool altered;

    public PostgresTestDatabase(string connectionString, bool notifications, Func<string, Task> giveBack)
    {
        (ConnectionString, this.notifications) = (connectionString, notifications);
        questions = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connectionString) { SearchPath = MigratedDatabases.Schema }.ConnectionString);
        this.giveBack = () => giveBack(connectionString);
    }

    internal PostgresTestDatabase(MigratedDatabase shared, bool notifications, MigratedDatabases home)
    {
        (ConnectionString, this.notifications, this.shared) = (shared.ConnectionString, notifications, shared);
        questions = shared.Questions;
        giveBack = () => home.ReturnAsync(shared);
    }

    public string ConnectionString { get; }

    public override IReadOnlyDictionary<string, string> WorkerSettings => new Dictionary<string, string>
    {
        ["postgres"] = $"{ConnectionString};Application Name={MigratedDatabases.Worker}",
        ["notifications"] = notifications ? "true" : "false",
    };

    public override bool PushesSignals => notifications;

    public override Task SilenceMessagesAsync()
    {
        altered = true;
        return ExecuteAsync("ALTER TABLE notifications DISABLE TRIGGER USER");
    }

    public override void Use(ClientOptions options)
    {
        _ = shared is null ? options.UsePostgres(ConnectionString) : options.UsePostgres(shared.Source);
        options.Notifications = notifications;
    }

    public override async ValueTask DisposeAsync()
    {
        if (altered)
        {
            await ExecuteAsync("ALTER TABLE notifications ENABLE TRIGGER USER");
        }

        if (shared is null)
        {
            await questions.DisposeAsync();
        }

        await giveBack();
        await base.DisposeAsync();
    }

    // A test may look again and again, and a server process for each look would take more than all the rest. One that was kept may be
    // gone since the test has killed it, or the server.
    protected override async Task<DbConnection> OpenAsync()
    {
        var connection = await questions.OpenConnectionAsync();
        if (shared is not null || await AnswersAsync(connection))
        {
            return connection;
        }

        await connection.DisposeAsync();
        questions.Clear();
        return await questions.OpenConnectionAsync();
    }

    private static async Task<bool> AnswersAsync(NpgsqlConnection connection)
    {
        try
        {
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteNonQueryAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }
}
