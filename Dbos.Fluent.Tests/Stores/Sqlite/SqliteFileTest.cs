using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Sqlite;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>A migrated file with a store on it, and the rows that the tests write.</summary>
public abstract class SqliteFileTest : IAsyncLifetime
{
    private readonly List<SqliteStore> stores = [];

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected SqliteTestDatabase Database { get; } = new();

    protected ManualTimeProvider Time { get; } = new();

    internal IStore Store { get; private set; } = null!;

    protected long NowMs => Time.NowMs;

    public virtual async ValueTask InitializeAsync()
    {
        Store = Open();
        await Store.Schema.MigrateAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in stores)
        {
            await store.DisposeAsync().Within(Bounded.Limit);
        }

        await Database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal SqliteStore Open(string? path = null, TimeSpan? commandTimeout = null)
    {
        var store = new SqliteStore(path ?? Database.Path, new StoreOptions
        {
            Time = Time,
            Logger = NullLogger.Instance,
            PollInterval = TimeSpan.FromMilliseconds(10),
            CommandTimeout = commandTimeout ?? TimeSpan.FromSeconds(30),
        });
        stores.Add(store);
        return store;
    }

    internal static WorkflowInsert Direct(string id, string name = "checkout") => new()
    {
        Id = id,
        Name = name,
        State = WorkflowState.Pending,
        Token = "token-" + id,
        Input = new Payload("input of " + id, "dotnet_msgpack"),
        ExecutorId = "executor-1",
        ApplicationName = "shop",
        ApplicationVersion = "v1",
    };

    internal static WorkflowInsert Enqueued(string id, string name = "checkout") => Direct(id, name) with
    {
        State = WorkflowState.Enqueued,
        Queue = "orders",
        ExecutorId = null,
        ApplicationVersion = null,
    };

    internal static Ownership Owner(string id) => new(id, "token-" + id);

    internal static CheckpointRow Row(int sequence, string? output = "done") =>
        new(sequence, $"step {sequence}", 1, 2) { Output = output, Format = "dotnet_msgpack" };

    internal static CheckpointUnit Checkpoint(string id, params int[] sequences) =>
        new(Owner(id), [.. sequences.Select(sequence => Row(sequence))]);

    internal static OutcomeUnit Success(string id) => new(Owner(id), WorkflowState.Success, "result", null);

    internal static ClaimRequest Claim(string token = "claim") => new()
    {
        Token = token,
        ExecutorId = "executor-1",
        ApplicationName = "shop",
        ApplicationVersion = "v1",
        WorkflowNames = ["checkout"],
        Queues = ["orders", A.InternalQueue],
        Limit = 100,
    };

    internal static ExecutorRegistration Executor(string incarnation = "first", string id = "executor-1", int leaseSeconds = 60) => new(
        id, incarnation, "shop", "v1", new HostProcess("machine", "boot", "namespace", 42, 4242), TimeSpan.FromSeconds(leaseSeconds));

    internal async Task<CommitStatus[]> CommitAsync(params CommitUnit[] units) =>
        [.. (await Store.Commits.CommitAsync(units, Cancel)).Select(result => result.Status)];

    internal Task<CommitStatus[]> StartAsync(params WorkflowInsert[] rows) => CommitAsync([.. rows.Select(row => new StartUnit(row))]);

    /// <summary>The token of the run that owns a workflow.</summary>
    internal Task<string?> ReadOwnerAsync(string id) =>
        Database.ScalarAsync($"SELECT owner_xid FROM workflow_status WHERE workflow_uuid = '{id}'");

    internal async Task<WorkflowRow> ReadAsync(string id) => Assert.IsType<WorkflowRow>(await Store.Workflows.ReadAsync(id, Cancel));
}
