namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A place where step bodies wait for one another: all go on once so many have arrived.</summary>
public sealed class Meeting(int count)
{
    private readonly TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int arrived;

    /// <summary>Completes when so many have arrived.</summary>
    public Task AllAreHere => all.Task;

    /// <summary>One more is here.</summary>
    public void Arrive()
    {
        if (Interlocked.Increment(ref arrived) == count)
        {
            all.TrySetResult();
        }
    }
}
