using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>Retention while something holds up every deletion, such as an index that is being built.</summary>
// On one store only, as the rests between the tries take most of a minute.
public sealed class SqliteBlockedCollectionTests(SqliteDatabases fixture) : EngineSuite(fixture), IClassFixture<SqliteDatabases>
{
    private static readonly WorkflowDefinition<int, int> Square = Workflow.Define<int, int>("square").Return(x => x.Input * x.Input);

    [Fact]
    public async Task Where_no_workflow_can_be_deleted_the_call_ends_names_none_and_the_next_goes_on_behind_those_it_tried()
    {
        const int count = 20, triedMax = 5, tooLarge = 1803;
        var blocked = true;
        var faults = new CallFaults
        {
            Before = (call, _) => call.Collected is not null && blocked ? throw CallFaults.TimedOut() : Task.CompletedTask,
        };
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), Square);
        for (var number = 0; number < count; number++)
        {
            await engine.RunAsync(Square, number, $"w{number}");
        }

        var all = new RetentionPolicy { KeepNewest = 0 };
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => engine.CollectGarbageAsync(all, Cancel).Within(TimeSpan.FromMinutes(3)));
        Assert.True(refused.TimedOut);

        Assert.DoesNotContain(Log.Entries, entry => entry.Id == tooLarge);
        blocked = false;
        Assert.Equal(count - triedMax, (await engine.CollectGarbageAsync(all, Cancel).Within(Bounded.Limit)).Workflows);
    }
}
