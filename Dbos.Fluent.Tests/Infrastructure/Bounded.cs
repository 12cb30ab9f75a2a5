using System.Runtime.CompilerServices;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>
/// Waits that end: within a limit, or when the test is cancelled. The limits are generous and only ever run out in a failing test.
/// </summary>
internal static class Bounded
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async Task Within(this Task task, TimeSpan limit, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        try
        {
            await task.WaitAsync(limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            Assert.Fail($"Not within {limit}: {what}");
        }
    }

    public static async Task<T> Within<T>(this Task<T> task, TimeSpan limit, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await ((Task)task).Within(limit, what);
        return await task;
    }

    public static Task Within(this ValueTask task, TimeSpan limit, [CallerArgumentExpression(nameof(task))] string what = "") =>
        task.AsTask().Within(limit, what);

    public static Task<T> Within<T>(this ValueTask<T> task, TimeSpan limit, [CallerArgumentExpression(nameof(task))] string what = "") =>
        task.AsTask().Within(limit, what);
}

/// <summary>For what can only be looked at, not awaited: what another process did to a database, or that a process is gone.</summary>
/// <remarks>The one place in the tests that looks repeatedly.</remarks>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public static Task TrueAsync(Func<bool> condition, TimeSpan limit, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        TrueAsync(() => Task.FromResult(condition()), limit, what);

    public static async Task TrueAsync(
        Func<Task<bool>> condition, TimeSpan limit, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var test = TestContext.Current.CancellationToken;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(test);
        deadline.CancelAfter(limit);
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (!await condition().WaitAsync(deadline.Token))
            {
                await timer.WaitForNextTickAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !test.IsCancellationRequested)
        {
            Assert.Fail($"Not within {limit}: {what}");
        }
    }
}
