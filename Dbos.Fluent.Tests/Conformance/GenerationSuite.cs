using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What the generations of a workflow leave to one another, and how they look to those who wait for its end.</summary>
public abstract class GenerationSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_fails_undoes_its_own_steps_alone_and_the_children_of_an_earlier_one_go_on(bool recovered)
    {
        var (ofChild, ofLast) = (new Probe(), new Probe());
        var undone = new ConcurrentQueue<int>();
        var child = Workflow.Define<int, int>("child").Step("wait", x => ofChild.PassAsync(x.CancellationToken)).Return(x => x.Input);
        var loop = Workflow.Define<int, int>("loop", Body);
        var engine = await LaunchAsync(loop, child);
        await engine.BeginAsync(loop, 0, "A");
        await Task.WhenAll(ofChild.ReachedAsync(), ofLast.ReachedAsync());
        if (recovered)
        {
            engine = await RelaunchAsync(engine, loop, child);
            await Task.WhenAll(ofChild.ReachedAsync(), ofLast.ReachedAsync());
        }

        ofLast.Open();
        var failure = await engine.Retrieve<int>("A").FailureAsync();

        Assert.True(failure.Is<TimeoutException>());
        Assert.Equal([1], undone);
        var status = await engine.GetStatusAsync("A-1", Cancel);
        Assert.Equal((WorkflowState.Pending, "A"), (status!.State, status.ParentId));
        ofChild.Open();
        Assert.Equal(7, await engine.ResultAsync<int>("A-1"));
        Assert.Equal([1], undone);
        Assert.Equal(2, await Database.WorkflowsAsync());

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("book", async _ => input).CompensateWith(async _ => undone.Enqueue(input));
            if (input == 0)
            {
                yield return Step.Start(child, 7);
                yield return Workflow.ContinueAsNew(1);
            }

            yield return Step.Run("wait", async step => await ofLast.PassAsync(step));
            throw new TimeoutException("Nothing came of it.");
        }
    }

    // Each generation but the last ends without a result, and a process that only waits must not take that for the workflow's end.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handle_in_another_process_gives_the_result_of_the_last_whenever_it_began_to_wait(bool notifications)
    {
        Probe[] gates = [new(), new(), new()];
        var loop = Workflow.Define<int, int>("loop")
            .Step("wait", x => gates[x.Input].PassAsync(x.CancellationToken))
            .If(x => x.Input < gates.Length - 1, again => again.ContinueAsNew(x => x.Input + 1))
            .Return(x => x.Input);
        await LaunchAsync(options => options.Add(new WorkflowQueue("q")), loop);
        await using var starter = await ConnectAsync(notifications);
        await using var other = await ConnectAsync(notifications);
        var handle = await starter.EnqueueAsync<int>("loop", [0], new() { Id = "A", Queue = "q" }, Cancel);
        List<Task<int>> waits = [handle.ResultAsync()];

        foreach (var gate in gates)
        {
            await gate.ReachedAsync();
            waits.Add(other.ResultAsync<int>("A"));
            Assert.DoesNotContain(waits, wait => wait.IsCompleted);
            gate.Open();
        }

        var results = await Task.WhenAll(waits);
        Assert.Equal([2, 2, 2, 2], results);
    }

    private Task<WorkflowClient> ConnectAsync(bool notifications) => WorkflowClient.ConnectAsync(
        options =>
        {
            Database.Use(options);
            options.ApplicationName = "tests";
            options.Notifications &= notifications;
        },
        Cancel).Within(Bounded.Limit);
}
