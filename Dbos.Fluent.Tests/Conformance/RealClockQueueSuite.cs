using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>A rate on the clock that claims go by, where the other suites move time themselves. Scenario QR-01.</summary>
public abstract class RealClockQueueSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task A_window_is_kept_and_spent_and_none_is_left_out()
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var queue = new WorkflowQueue("line") { RateLimit = new(5, TimeSpan.FromSeconds(1.8)) };
        var engine = await LaunchAsync(options => options.Add(queue), workflow);
        var handles = await engine.StartManyAsync(
            workflow, Enumerable.Range(0, 15).Select(number => (number, (StartOptions?)new() { Queue = queue })), Cancel);
        foreach (var handle in handles)
        {
            await handle.ResultAsync();
        }

        var rows = await Database.QueryAsync("SELECT started_at_epoch_ms FROM workflow_status WHERE queue_name = 'line' ORDER BY 1");
        var starts = rows.ConvertAll(row => long.Parse(row[0]!, CultureInfo.InvariantCulture));
        Assert.Equal(15, starts.Count);
        Assert.All(starts.Zip(starts.Skip(5)), pair => Assert.InRange(pair.Second - pair.First, 1800, long.MaxValue));
        Assert.Equal(5, starts.Count(start => start < starts[0] + 1800));
        Assert.InRange(starts[^1] - starts[0], 0, 3 * (1800 + 2000));
    }
}
