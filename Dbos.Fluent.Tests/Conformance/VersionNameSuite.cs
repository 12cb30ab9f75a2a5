using System.Linq.Expressions;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What an engine's version is. Scenario VP-01.</summary>
public abstract class VersionNameSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, string> Same = Workflow.Define<int, string>("same").Return(_ => "done");
    private static readonly WorkflowDefinition<int, string> One = Workflow.Define<int, string>("changing")
        .Step("S", _ => Task.FromResult(1)).Return(_ => "by v1");

    private static readonly WorkflowDefinition<int, string> Two = Workflow.Define<int, string>("changing")
        .Step("T", _ => Task.FromResult(2)).Return(_ => "by v2");

    [Fact]
    public async Task The_version_is_a_fingerprint_of_what_is_registered_or_what_was_chosen()
    {
        var one = await LaunchAsync(options => (options.ApplicationVersion, options.ExecutorId) = (null, "e1"), Same, One);
        var again = await LaunchAsync(options => (options.ApplicationVersion, options.ExecutorId) = (null, "e2"), One, Same);
        var less = await LaunchAsync(options => (options.ApplicationVersion, options.ExecutorId) = (null, "e3"), Same);
        var other = await LaunchAsync(options => (options.ApplicationVersion, options.ExecutorId) = (null, "e4"), Same, Two);
        var chosen = await LaunchAsync(options => options.ExecutorId = "e5", Same);

        Assert.Equal(one.ApplicationVersion, again.ApplicationVersion);
        Assert.Equal(4, new[] { one, less, other, chosen }.Select(engine => engine.ApplicationVersion).Distinct().Count());
        Assert.Equal("v1", chosen.ApplicationVersion);
        await chosen.RunAsync(Same, 1, "A");
        var status = await chosen.GetStatusAsync("A", Cancel);
        Assert.Equal(("v1", "e5"), (status!.ApplicationVersion, status.ExecutorId));
    }

    // An override by the environment, which is the whole process's.
    [Fact]
    public async Task The_environment_names_the_version_unless_the_options_do()
    {
        var settings = new Dictionary<string, string>(Database.WorkerSettings) { ["version"] = "of the environment" };
        await using var worker = ChildProcess.Start("version", settings: settings);

        Assert.Equal("of the environment, of the environment", await worker.ReachedAsync("named"));
        Assert.Equal("of the options, of the options", await worker.ReachedAsync("chosen"));
        var fingerprint = await worker.ReachedAsync("none");
        Assert.Matches(@"^([0-9a-f]{32}), \1$", fingerprint);
        Assert.Equal(fingerprint, await worker.ReachedAsync("empty"));
    }

    // Under the default version a change of such code would go unnoticed, and its histories would meet other code.
    [Fact]
    public async Task Code_that_cannot_be_read_is_launched_under_a_chosen_version_alone()
    {
        var compiled = Expression.Lambda<Func<FlowState<int>, bool>>(
            Expression.Constant(true), Expression.Parameter(typeof(FlowState<int>))).Compile();
        var unread = Workflow.Define<int, string>("unread")
            .If(compiled, yes => yes.Step("S", _ => Task.CompletedTask))
            .Return(_ => "done");

        var refused = await Assert.ThrowsAsync<ArgumentException>(
            () => LaunchAsync(options => options.ApplicationVersion = null, Same, unread));

        Assert.StartsWith("The code of workflow 'unread' cannot be read", refused.Message);
        Assert.Contains("set EngineOptions.ApplicationVersion, or the environment variable DBOS__APPVERSION", refused.Message);
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM fluent_executors"));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM application_versions"));

        var engine = await LaunchAsync(options => options.ApplicationVersion = "v1", Same, unread);
        Assert.Equal("done", await engine.RunAsync(unread, 1, "A"));
        Assert.Equal("0 S", await engine.StepsAsync("A"));
        Assert.Equal("v1", (await engine.GetStatusAsync("A", Cancel))!.ApplicationVersion);
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM fluent_executors"));
    }

    [Fact]
    public async Task One_program_that_serves_two_applications_has_a_version_for_each()
    {
        var one = await LaunchAsync(options => (options.ApplicationVersion, options.ExecutorId) = (null, "e1"), Same);
        var other = await LaunchAsync(
            options => (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("b", null, "e2"), Same);

        Assert.NotEqual(one.ApplicationVersion, other.ApplicationVersion);
        Assert.False(Log.Has(1002));
    }
}
