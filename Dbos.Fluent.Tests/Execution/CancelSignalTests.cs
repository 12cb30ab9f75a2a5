using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>A signal tells everyone who waits for it, also where its owner lets go of it in the same moment.</summary>
public sealed class CancelSignalTests
{
    [Fact]
    public async Task A_child_let_go_of_right_after_its_parent_fired_still_fires()
    {
        for (var round = 0; round < 200; round++)
        {
            var told = new TaskCompletionSource<CancellationReason>(TaskCreationOptions.RunContinuationsAsynchronously);
            using var parent = new CancelSignal();
            var child = new CancelSignal(parent);
            child.Token.Register(() => told.TrySetResult(child.Reason));

            parent.Fire(CancellationReason.DeadlineExceeded);
            child.Dispose();

            Assert.Equal(CancellationReason.DeadlineExceeded, await told.Task.Within(Bounded.Limit));
        }
    }

    [Fact]
    public async Task A_signal_let_go_of_right_after_it_fired_still_calls_back()
    {
        for (var round = 0; round < 200; round++)
        {
            var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var parent = new CancelSignal();
            var child = new CancelSignal(parent);
            child.Token.Register(told.SetResult);

            child.Fire(CancellationReason.StepTimeout);
            child.Dispose();

            await told.Task.Within(Bounded.Limit);
            Assert.False(parent.IsFired);
        }
    }

    [Fact]
    public void A_signal_that_never_fired_no_longer_listens_to_its_parent_once_let_go_of()
    {
        using var parent = new CancelSignal();
        var child = new CancelSignal(parent);
        child.Dispose();

        parent.Fire(CancellationReason.Shutdown);

        Assert.False(child.Token.IsCancellationRequested);
        Assert.Equal(CancellationReason.Shutdown, child.Reason);
    }
}
