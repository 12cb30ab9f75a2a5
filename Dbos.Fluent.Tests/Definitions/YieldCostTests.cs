using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

/// <summary>A long history is restored quickly only if a yield costs no more than the descriptor that the user's code makes.</summary>
public sealed class YieldCostTests
{
    private const int Yields = 20_000;
    private const int BytesPerYieldMax = 232;

    [Fact]
    public async Task A_yield_of_a_fluent_definition_allocates_its_descriptor_alone()
    {
        var definition = Workflow.Define<Order>("w").While(_ => true, body => body.Step("s", x => Task.FromResult(x.Input.Amount))).End();

        Assert.InRange(await BytesPerYieldAsync(definition), 1, BytesPerYieldMax);
    }

    [Fact]
    public async Task Branches_and_modifiers_cost_nothing_per_yield()
    {
        var definition = Workflow.Define<Order>("w")
            .While(x => x.Input.Amount > 0, body => body
                .If(x => x.Input.Amount > 0, yes => yes
                    .If(x => true, deep => deep.Step("s", x => Task.FromResult(x.Input.Amount)).Retry().Timeout(TimeSpan.FromSeconds(1)))))
            .End();

        Assert.InRange(await BytesPerYieldAsync(definition), 1, BytesPerYieldMax);
    }

    private static async Task<long> BytesPerYieldAsync<TIn>(WorkflowDefinition<TIn, Unit> definition)
    {
        await using var body = definition.Open(Order.Large, new WorkflowContext(new FixedFacts()));
        await DriveAsync(body, 100);

        var before = GC.GetAllocatedBytesForCurrentThread();
        await DriveAsync(body, Yields);

        return (GC.GetAllocatedBytesForCurrentThread() - before) / Yields;
    }

    private static async Task DriveAsync(IWorkflowBody body, int yields)
    {
        object one = 1;
        for (var i = 0; i < yields; i++)
        {
            await body.MoveNextAsync();
            body.Step!.Bind(body);
            body.Step.Complete(one);
        }
    }
}
