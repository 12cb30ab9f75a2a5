namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>A launch for which nobody chose a database.</summary>
public sealed class SqliteDefaultTests
{
    private const int NoDatabaseChosen = 1001;

    [Fact]
    public async Task It_says_where_everything_is_kept()
    {
        using var folder = new TempFolder();
        var log = new ManualLogger();
        var application = folder["orders"];

        var engine = await WorkflowEngine.LaunchAsync(
            options =>
            {
                options.ApplicationName = application;
                options.ApplicationVersion = "v1";
                options.LoggerFactory = log;
            },
            TestContext.Current.CancellationToken).Within(Bounded.Limit);
        await engine.StopAsync(TimeSpan.Zero, TestContext.Current.CancellationToken).Within(Bounded.Limit);

        var told = Assert.Single(log.Entries, entry => entry.Id == NoDatabaseChosen);
        Assert.Contains(application + ".sqlite", told.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_for_which_a_file_was_chosen_has_nothing_to_say()
    {
        using var folder = new TempFolder();
        var log = new ManualLogger();

        var engine = await WorkflowEngine.LaunchAsync(
            options =>
            {
                options.UseSqlite(folder["orders.sqlite"]);
                options.ApplicationVersion = "v1";
                options.LoggerFactory = log;
            },
            TestContext.Current.CancellationToken).Within(Bounded.Limit);
        await engine.StopAsync(TimeSpan.Zero, TestContext.Current.CancellationToken).Within(Bounded.Limit);

        Assert.DoesNotContain(log.Entries, entry => entry.Id == NoDatabaseChosen);
    }
}
