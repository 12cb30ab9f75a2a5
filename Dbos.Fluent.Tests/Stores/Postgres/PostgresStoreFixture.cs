using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A migrated database and a store on it for one test class; tests keep apart by their ids and application names.</summary>
public sealed class PostgresStoreFixture(SharedPostgres server) : IAsyncLifetime
{
    internal string ConnectionString { get; private set; } = "";

    internal NpgsqlDataSource Source { get; private set; } = null!;

    internal IStore Store { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        ConnectionString = await server.CreateDatabaseAsync(CancellationToken.None) + ";Maximum Pool Size=20";
        Source = NpgsqlDataSource.Create(ConnectionString);
        Store = Open(new StoreOptions { Logger = NullLogger.Instance });
        await Store.Schema.MigrateAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Source.DisposeAsync();
    }

    internal PostgresStore Open(StoreOptions options) => new(Source, false, "dbos", options);

    internal async Task<long> CountAsync(string sql, params object[] values)
    {
        await using var command = Source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return Convert.ToInt64(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>The token of the run that owns a workflow.</summary>
    internal async Task<string?> OwnerAsync(string workflowId)
    {
        await using var command = Source.CreateCommand("SELECT owner_xid FROM dbos.workflow_status WHERE workflow_uuid = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = workflowId });
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) as string;
    }

    internal async Task RunAsync(string sql, params object[] values)
    {
        await using var command = Source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Locks a workflow's row as another program would, until the result is disposed.</summary>
    internal async Task<NpgsqlConnection> LockAsync(string workflowId)
    {
        var connection = await Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using (var begin = new NpgsqlCommand("BEGIN", connection))
        {
            await begin.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await using var command = new NpgsqlCommand("SELECT FROM dbos.workflow_status WHERE workflow_uuid = $1 FOR UPDATE", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = workflowId });
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return connection;
    }
}

/// <summary>Rows and units with defaults.</summary>
internal static class Units
{
    public static string NewId() => Guid.NewGuid().ToString("N");

    public static WorkflowInsert Direct(string id, string token = "t1", string application = "app") => new()
    {
        Id = id,
        Name = "w",
        State = WorkflowState.Pending,
        Token = token,
        Input = new Payload("input", "dotnet_msgpack"),
        ExecutorId = "e1",
        ApplicationName = application,
        ApplicationVersion = "v1",
    };

    public static WorkflowInsert Enqueued(string id, string application = "app") => Direct(id, "creator-" + id, application) with
    {
        State = WorkflowState.Enqueued,
        Queue = "q",
        ExecutorId = null,
        ApplicationVersion = null,
    };

    public static CheckpointRow Row(int sequence, string? output = "out", string? child = null) =>
        new(sequence, "step", 10, 20)
        {
            Output = output,
            Format = "dotnet_msgpack",
            ChildId = child,
        };

    public static CheckpointUnit Checkpoint(string id, string token, params int[] sequences) =>
        new(new Ownership(id, token), [.. sequences.Select(sequence => Row(sequence))]);

    public static OutcomeUnit Success(string id, string token, string output = "result") =>
        new(new Ownership(id, token), WorkflowState.Success, output, null);

    public static ClaimRequest Claim(string token, string application, int limit = 10) => new()
    {
        Token = token,
        ExecutorId = "claimer",
        ApplicationName = application,
        ApplicationVersion = "v1",
        WorkflowNames = ["w"],
        Queues = ["q", "q1", "q2", "q3", "_dbos_internal_queue"],
        Limit = limit,
    };
}
