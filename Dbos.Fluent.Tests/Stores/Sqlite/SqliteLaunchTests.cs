namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>Launches on files that are no database, or no file. Scenario AD-03.</summary>
public sealed class SqliteLaunchTests : IDisposable
{
    private readonly TempFolder folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_left_alone()
    {
        var text = string.Concat(Enumerable.Repeat("This is a letter, and no database. ", 100));
        await File.WriteAllTextAsync(folder["letter.txt"], text, Cancel);

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchAsync(folder["letter.txt"]));

        Assert.Contains($"'{folder["letter.txt"]}' is not a SQLite database", refused.Message);
        Assert.Equal(text, await File.ReadAllTextAsync(folder["letter.txt"], Cancel));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_directory_is_refused_and_a_later_launch_works()
    {
        Directory.CreateDirectory(folder["orders.db"]);
        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchAsync(folder["orders.db"]));
        Assert.Contains("is a directory", refused.Message);
        Directory.Delete(folder["orders.db"]);

        await using var engine = await LaunchAsync(folder["orders.db"]);

        Assert.NotEmpty(engine.ExecutorId);
    }

    [Fact]
    public async Task A_missing_folder_is_refused_and_not_made()
    {
        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchAsync(folder["missing/orders.db"]));

        Assert.Contains($"The directory '{folder["missing"]}'", refused.Message);
        Assert.False(Directory.Exists(folder["missing"]));
    }

    [Fact]
    public async Task An_empty_file_is_an_empty_database()
    {
        await File.WriteAllTextAsync(folder["orders.db"], "", Cancel);

        await using var engine = await LaunchAsync(folder["orders.db"]);

        Assert.NotEmpty(engine.ExecutorId);
    }

    [Fact]
    public async Task A_damaged_file_is_refused()
    {
        var path = folder["orders.db"];
        await using (await LaunchAsync(path))
        {
            // Migrated.
        }

        var bytes = await File.ReadAllBytesAsync(path, Cancel);
        Array.Fill(bytes, (byte)0x55, 100, 4000);
        await File.WriteAllBytesAsync(path, bytes, Cancel);

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchAsync(path));

        Assert.Contains("damaged", refused.Message);
    }

    private static Task<WorkflowEngine> LaunchAsync(string path) =>
        WorkflowEngine.LaunchAsync(options => options.UseSqlite(path).ApplicationVersion = "v1", Cancel).Within(Bounded.Limit);
}
