namespace Dbos.Fluent.Tests.Execution;

/// <summary>An engine that stops leaves nothing open because one of its parts failed.</summary>
public sealed class StopSequenceTests
{
    private readonly List<string> taken = [];

    [Fact]
    public async Task Each_step_is_taken_also_if_one_before_it_failed_and_the_failure_is_thrown_at_the_end()
    {
        var failure = new InvalidOperationException("b");

        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => StopSequence.RunAsync([Step("a"), Step("b", failure), Step("c")]));

        Assert.Same(failure, thrown);
        Assert.Equal(["a", "b", "c"], taken);
    }

    [Fact]
    public async Task Several_failures_are_thrown_together()
    {
        Exception[] failures = [new InvalidOperationException("a"), new TimeoutException("c")];

        var thrown = await Assert.ThrowsAsync<AggregateException>(
            () => StopSequence.RunAsync([Step("a", failures[0]), Step("b"), Step("c", failures[1]), Step("d")]));

        Assert.Equal(failures, thrown.InnerExceptions);
        Assert.Equal(["a", "b", "c", "d"], taken);
    }

    [Fact]
    public async Task A_step_begins_when_the_one_before_it_has_ended()
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var stop = StopSequence.RunAsync([() => first.Task, Step("b")]);
        Assert.Empty(taken);
        first.SetResult();
        await stop.Within(Bounded.Limit);

        Assert.Equal(["b"], taken);
    }

    private Func<Task> Step(string name, Exception? failure = null) => () =>
    {
        taken.Add(name);
        return failure is null ? Task.CompletedTask : throw failure;
    };
}
