using System.Collections.Concurrent;
using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>What all loops in the background share: no failure ends them, and a stop does, quietly.</summary>
public sealed class BackgroundLoopTests
{
    // Longer than any test waits.
    private static readonly TimeSpan Forever = TimeSpan.FromDays(1);

    private readonly ConcurrentQueue<Exception> reported = new();
    private readonly Probe turn = new();
    private int turns;

    [Fact]
    public async Task A_loop_disposed_before_its_start_never_runs_a_turn()
    {
        var loop = new BackgroundLoop();
        await loop.DisposeAsync().Within(Bounded.Limit);

        loop.Start(StandAsync, reported.Enqueue, rest: TimeSpan.Zero);

        await loop.DisposeAsync().Within(Bounded.Limit);
        Assert.True(loop.Stopping.IsCancellationRequested);
        Assert.Equal(0, turns);
        Assert.Empty(reported);
    }

    [Fact]
    public async Task A_second_disposal_changes_nothing()
    {
        var loop = new BackgroundLoop();
        loop.Start(StandAsync, reported.Enqueue, rest: TimeSpan.Zero);
        await turn.ReachedAsync();
        await loop.DisposeAsync().Within(Bounded.Limit);

        await loop.DisposeAsync().Within(Bounded.Limit);

        Assert.Equal(1, turns);
        Assert.Empty(reported);
    }

    public static TheoryData<Exception, bool> Failures => new()
    {
        { new InvalidOperationException("The first turn fails."), false },
        { new InvalidOperationException("The first turn does not even begin."), true },
        { new OperationCanceledException("A limit of the turn's own, not the stop."), false },
    };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task A_failed_turn_is_reported_and_the_next_turn_comes(Exception failure, bool atOnce)
    {
        await using var loop = new BackgroundLoop();

        loop.Start(token => turns > 0 ? StandAsync(token) : FailAsync(failure, atOnce), reported.Enqueue, rest: TimeSpan.Zero);

        await turn.ReachedAsync();
        Assert.Same(failure, Assert.Single(reported));
    }

    [Fact]
    public async Task A_stop_during_a_turn_ends_quietly()
    {
        await using var loop = new BackgroundLoop();
        loop.Start(StandAsync, reported.Enqueue, rest: Forever);
        await turn.ReachedAsync();

        await loop.StopAsync().Within(Bounded.Limit);

        Assert.Equal(1, turns);
        Assert.Empty(reported);
    }

    // The stop is no reason for it, so the log must not lose it.
    [Fact]
    public async Task A_turn_that_fails_of_itself_during_a_stop_is_still_reported()
    {
        var failure = new InvalidOperationException("What was cancelled could not be cleared away.");
        await using var loop = new BackgroundLoop();
        loop.Start(FailOnceStoppedAsync, reported.Enqueue, rest: Forever);
        await turn.ReachedAsync();

        await loop.StopAsync().Within(Bounded.Limit);

        Assert.Same(failure, Assert.Single(reported));

        async Task FailOnceStoppedAsync(CancellationToken cancellationToken)
        {
            await StandAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw failure;
        }
    }

    [Fact]
    public async Task A_stop_ends_the_rest_after_a_failure()
    {
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var loop = new BackgroundLoop();
        loop.Start(_ => FailAsync(new InvalidOperationException("Rest.")), _ => failed.SetResult(), rest: Forever);
        await failed.Task.Within(Bounded.Limit);

        await loop.StopAsync().Within(Bounded.Limit);

        Assert.Equal(1, turns);
    }

    private Task StandAsync(CancellationToken cancellationToken)
    {
        turns++;
        return turn.PassAsync(cancellationToken);
    }

    private Task FailAsync(Exception failure, bool atOnce = false)
    {
        turns++;
        return atOnce ? throw failure : Task.FromException(failure);
    }
}
