using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Numbers of workflows by one thing.</summary>
public abstract class CountSuite(IDatabaseFixture fixture) : FilledSuite(fixture)
{
    [Fact]
    public async Task Counts_are_by_one_thing_with_the_oldest_of_each()
    {
        var client = await FilledAsync(
            6,
            "status = CASE WHEN n < 4 THEN 'SUCCESS' ELSE 'ENQUEUED' END",
            "queue_name = CASE WHEN n > 2 THEN 'line' END",
            "application_version = CASE WHEN n % 2 = 0 THEN 'v2' END",
            "created_at = 1000 + n");

        Assert.Equal("ENQUEUED 2 1004, SUCCESS 4 1000", await CountsAsync(client, CountBy.Status));
        Assert.Equal("echo 6 1000", await CountsAsync(client, CountBy.Name));
        Assert.Equal(" 3 1000, line 3 1003", await CountsAsync(client, CountBy.Queue));
        Assert.Equal(" 3 1001, v2 3 1000", await CountsAsync(client, CountBy.ApplicationVersion));
        var succeeded = new WorkflowFilter { Queue = "line", States = [WorkflowState.Success] };
        Assert.Equal("SUCCESS 1 1003", await CountsAsync(client, CountBy.Status, succeeded));
        Assert.Equal("", await CountsAsync(client, CountBy.Status, new() { Name = "unknown", Limit = 1, Offset = 1 }));
    }

    [Fact]
    public async Task What_waits_and_what_ended_in_a_window_is_told_by_one_call_each()
    {
        var client = await FilledAsync(
            9,
            "status = CASE WHEN n < 2 THEN 'ENQUEUED' WHEN n = 2 THEN 'DELAYED' WHEN n = 3 THEN 'PENDING' WHEN n < 6 THEN 'SUCCESS' "
            + "ELSE 'ERROR' END",
            "queue_name = CASE WHEN n IN (0, 2, 3) THEN 'line' WHEN n = 1 THEN 'other' END",
            "name = CASE WHEN n = 8 THEN 'other' ELSE name END",
            "created_at = 1000 + n",
            "completed_at = CASE WHEN n > 3 THEN 2000 + n END");
        var calls = 0;
        Faults.Before = (call, _) => Task.FromResult(call.Kind == StoreCallKind.CountWorkflows ? ++calls : 0);
        var window = new WorkflowFilter { CompletedAfter = At(2005), CompletedBefore = At(2009) };

        Assert.Equal("line 1 1000, other 1 1001", await CountsAsync(client, CountBy.Queue, new() { States = [WorkflowState.Enqueued] }));
        Assert.Equal(
            "DELAYED 1 1002, ENQUEUED 2 1000, PENDING 1 1003", await CountsAsync(client, CountBy.Status, new() { QueuedOnly = true }));
        Assert.Equal("ERROR 3 1006, SUCCESS 1 1005", await CountsAsync(client, CountBy.Status, window));
        var failed = window with { States = [WorkflowState.Error] };
        Assert.Equal("echo 2 1006, other 1 1008", await CountsAsync(client, CountBy.Name, failed));
        Assert.Equal("", await CountsAsync(client, CountBy.Name, failed with { CompletedBefore = At(2005.5) }));
        Assert.Equal(5, calls);
    }

    [Fact]
    public async Task Rows_with_an_empty_name_of_a_queue_or_a_version_count_with_those_that_have_none()
    {
        var client = await FilledAsync(
            5,
            "queue_name = CASE WHEN n < 2 THEN '' WHEN n = 2 THEN 'line' END",
            "application_version = CASE WHEN n = 4 THEN '' WHEN n > 1 THEN 'v1' END",
            "created_at = 1000 + n");
        var ended = new WorkflowFilter { States = [WorkflowState.Success, WorkflowState.Error] };

        foreach (var filter in new[] { null, ended })
        {
            Assert.Equal(" 4 1000, line 1 1002", await CountsAsync(client, CountBy.Queue, filter));
            Assert.Equal(" 3 1000, v1 2 1002", await CountsAsync(client, CountBy.ApplicationVersion, filter));
        }
    }
}
