using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>A store that refuses what one of several members at once writes, while another member waits without an end.</summary>
public abstract class MemberFaultSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();

    protected override bool RunsMayCrash => true;

    [Theory]
    [InlineData("all")]
    [InlineData("any")]
    [InlineData("branches")]
    public async Task A_member_that_finds_the_tables_unusable_ends_the_run_which_is_tried_again(string form)
    {
        var failed = 0;
        var faults = new CallFaults
        {
            // A batch that is refused is written unit by unit, so only the refusal of a unit alone is one.
            Before = (call, _) => call.Subjects.Contains("checkpoint work")
                && (call.Batch.Count > 1 || Interlocked.Exchange(ref failed, 1) == 0)
                ? throw new StoreSchemaException("The right to write was taken away.")
                : Task.CompletedTask,
        };
        var workflow = form == "branches" ? Branches() : Flows.Series("members", () => [Members(form)]);
        var engine = await LaunchAsync(
            options =>
            {
                options.Lease = TimeSpan.FromSeconds(2);
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            workflow);

        var handle = await engine.BeginAsync(workflow, default, "W");
        await Eventually.TrueAsync(() => counts["work"] == 2, Bounded.Limit, "the run is tried again");
        await engine.SendAsync("W", 1, cancellationToken: Cancel);

        await handle.ResultAsync();
        Assert.Equal(2, (await engine.GetStatusAsync("W", Cancel))!.RecoveryAttempts);
    }

    private Step Members(string form)
    {
        Step[] members = [Step.Run("work", _ => Task.FromResult(counts.Add("work"))), Step.Receive<int>()];
        return form == "all" ? Step.All(members) : Step.Any(members);
    }

    private WorkflowDefinition<Unit, Unit> Branches() => Workflow.Define<Unit>("branches")
        .Parallel(
            ("works", branch => branch.Step("work", _ => Task.FromResult(counts.Add("work")))),
            ("waits", branch => branch.Receive<int>()))
        .End();
}
