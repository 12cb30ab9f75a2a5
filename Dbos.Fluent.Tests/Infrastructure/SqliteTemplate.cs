using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A migrated SQLite file without rows. To copy it takes much less time than to migrate one for each test.</summary>
internal static class SqliteTemplate
{
    private static readonly Lazy<Task<byte[]>> Bytes = new(MigrateAsync);

    /// <summary>Makes such a file.</summary>
    public static async Task CopyAsync(string path) =>
        await File.WriteAllBytesAsync(path, await Bytes.Value, TestContext.Current.CancellationToken);

    private static async Task<byte[]> MigrateAsync()
    {
        using var folder = new TempFolder();
        var path = folder["template.sqlite"];
        await using (var store = new SqliteStore(path, new StoreOptions { Logger = NullLogger.Instance }))
        {
            await store.Schema.MigrateAsync(CancellationToken.None);
        }

        return await File.ReadAllBytesAsync(path);
    }
}
