using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>A stop waits a moment for the statement that is in flight, and for no other.</summary>
public sealed class LastStatementTests : IDisposable
{
    private readonly ManualTimeProvider time = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource<int> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int begun;

    public void Dispose() => stopping.Dispose();

    [Fact]
    public async Task A_statement_in_flight_at_the_stop_may_still_answer()
    {
        var statement = BeginAsync();
        await stopping.CancelAsync();
        time.Advance(LastStatement.Grace - TimeSpan.FromTicks(1));

        answer.SetResult(42);

        Assert.Equal(42, await statement.Within(Bounded.Limit));
    }

    [Fact]
    public async Task A_statement_that_does_not_answer_is_cancelled_when_the_grace_is_over()
    {
        var statement = BeginAsync();
        await stopping.CancelAsync();
        Assert.False(statement.IsCompleted);

        time.Advance(LastStatement.Grace);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => statement.Within(Bounded.Limit));
    }

    [Fact]
    public async Task No_statement_begins_after_the_stop()
    {
        await stopping.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(BeginAsync);

        Assert.Equal(0, begun);
    }

    [Fact]
    public async Task Without_a_stop_a_statement_takes_its_time_and_leaves_no_timer()
    {
        var statement = BeginAsync();
        time.Advance(TimeSpan.FromDays(1));
        answer.SetResult(1);

        Assert.Equal(1, await statement.Within(Bounded.Limit));
        Assert.Equal(0, time.TimersPending);
    }

    private Task<int> BeginAsync() => LastStatement.FinishAsync(
        token =>
        {
            begun++;
            return answer.Task.WaitAsync(token);
        },
        stopping.Token,
        time);
}
