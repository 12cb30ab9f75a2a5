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

    [Fact]
    public async Task A_payload_over_the_limit_is_refused_with_the_limit_and_leaves_no_row()
    {
        var workflow = Workflow.Define<string, int>("length", Body);
        await using var engine = await LaunchAsync(folder["orders.db"], workflow);

        var refused = await Assert.ThrowsAsync<SerializationFailedException>(
            () => engine.StartAsync(workflow, new string('x', (64 * 1024 * 1024) + 1), new() { Id = "A" }, Cancel));

        Assert.Contains("67108864", refused.Message);
        Assert.Null(await engine.GetStatusAsync("A", Cancel));
        var large = await engine.StartAsync(workflow, new string('x', 1024 * 1024), new() { Id = "B" }, Cancel);
        Assert.Equal(1024 * 1024, await large.GetResultAsync(Cancel).Within(Bounded.Limit));

        static async IAsyncEnumerable<StepOr<int>> Body(string input, WorkflowContext workflow)
        {
            yield return input.Length;
        }
    }

    private static Task<WorkflowEngine> LaunchAsync(string path, params WorkflowDefinition[] workflows) =>
        WorkflowEngine.LaunchAsync(
            options => options.UseSqlite(path).Add(workflows).ApplicationVersion = "v1", Cancel).Within(Bounded.Limit);
}
