using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>Files that another SDK has made, or written to.</summary>
public sealed class SqliteForeignFileTests(SqliteDatabases fixture) : EngineSuite(fixture), IClassFixture<SqliteDatabases>
{
    private static readonly WorkflowDefinition<int, int> Echo = Workflow.Define<int, int>("echo").Return(x => x.Input);

    protected override bool StartsEmpty => true;

    [Fact]
    public async Task Client_refuses_a_file_without_our_tables_and_says_what_to_do()
    {
        await LaunchAsync(Echo);
        await Database.ExecuteAsync("DELETE FROM fluent_migrations");

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(
            () => WorkflowClient.ConnectAsync(options => Database.Use(options), Cancel));

        Assert.Contains("launch an engine", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attributes_that_are_no_text_leave_the_rest_of_a_list_readable()
    {
        var engine = await LaunchAsync(Echo);
        await (await engine.StartAsync(Echo, 1, new() { Id = "a" }, Cancel)).ResultAsync();
        await (await engine.StartAsync(Echo, 2, new() { Id = "b" }, Cancel)).ResultAsync();
        await Database.ExecuteAsync("""UPDATE workflow_status SET attributes = '{"k":"\ud800"}' WHERE workflow_uuid = 'a'""");

        var listed = new List<WorkflowStatus>();
        await foreach (var status in engine.ListAsync(cancellationToken: Cancel))
        {
            listed.Add(status);
        }

        Assert.Equal(["a", "b"], listed.Select(status => status.Id));
        Assert.Null(listed[0].Attributes);
    }
}
