using System.Data.Common;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Sqlite;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Data.Sqlite;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>SQLite files, each in a folder of its own.</summary>
public sealed class SqliteStores : StoreFixture
{
    internal override bool PushesSignals => false;

    internal override bool LocksRows => false;

    internal override async Task<StoreBed> CreateAsync()
    {
        var bed = new SqliteBed();
        await SqliteTemplate.CopyAsync(bed.Path);
        await bed.Store.Schema.MigrateAsync(TestContext.Current.CancellationToken);
        return bed;
    }

    internal override Task<StoreBed> CreateEmptyAsync() => Task.FromResult<StoreBed>(new SqliteBed());

    internal override async Task<StoreBed> CreateUnusableAsync()
    {
        var bed = new SqliteBed();
        await File.WriteAllTextAsync(bed.Path, new string('x', 10_000), TestContext.Current.CancellationToken);
        return bed;
    }
}

/// <summary>One SQLite file.</summary>
internal sealed class SqliteBed : StoreBed
{
    private readonly TempFolder folder = new();

    public string Path => folder["workflows.sqlite"];

    public override async Task<IAsyncDisposable> HoldAsync(string workflowId)
    {
        var connection = await ConnectAsync();
        await using (var command = Command(connection, "BEGIN IMMEDIATE"))
        {
            await command.ExecuteNonQueryAsync();
        }

        return new Hold(connection);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Dispose();
    }

    protected override IStore Make(StoreOptions options) => new SqliteStore(Path, options);

    protected override async Task<DbConnection> ConnectAsync()
    {
        var connection = new SqliteConnection($"Data Source={Path};Pooling=False;Default Timeout=30;Foreign Keys=True");
        await connection.OpenAsync();
        return connection;
    }
}
