using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Worker;

/// <summary>Reports points, and stands still at those that the test holds.</summary>
internal sealed class WorkerPoints(TextWriter output, IReadOnlySet<string> hold)
{
    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> released = new();

    /// <summary>Reports a point; goes on at once unless the test holds it, then when it says so.</summary>
    public Task ReachAsync(string point, string text = "")
    {
        Report(WorkerArguments.Reached + point + (text.Length > 0 ? "=" + text : ""));
        return hold.Contains(point) ? Release(point).Task : Task.CompletedTask;
    }

    public void GoOn(string point) => Release(point).TrySetResult();

    // One line at a time, and out of this process before anything else happens: the next thing may be a SIGKILL.
    private void Report(string line)
    {
        lock (gate)
        {
            output.Write(line + "\n");
            output.Flush();
        }
    }

    private TaskCompletionSource Release(string point) =>
        released.GetOrAdd(point, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
