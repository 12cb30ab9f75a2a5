using System.Collections.Concurrent;

[assembly: AssemblyFixture(typeof(Dbos.Fluent.Tests.Infrastructure.UnobservedFailures))]

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Fails the run if, in whatever test, a task of the library has failed and nobody looked at it.</summary>
/// <remarks>
/// It is once for all tests, because only a collection of garbage finds such a task, and one for each test would take longer than most of
/// them. So it says what failed and where, but not during which test.
/// </remarks>
public sealed class UnobservedFailures : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> failures = new();

    /// <summary>Listens from now on.</summary>
    public UnobservedFailures() => TaskScheduler.UnobservedTaskException += Note;

    /// <summary>Ends it, and fails if there was one.</summary>
    public ValueTask DisposeAsync()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= Note;
        Assert.True(failures.IsEmpty, "Tasks have failed unobserved:\n" + string.Join('\n', failures));
        return default;
    }

    private void Note(object? sender, UnobservedTaskExceptionEventArgs unobserved)
    {
        var text = unobserved.Exception.ToString();
        if (text.Split('\n').Any(IsOfTheLibrary))
        {
            failures.Enqueue(text);
        }
    }

    private static bool IsOfTheLibrary(string line) =>
        line.Contains(" at Dbos.Fluent.", StringComparison.Ordinal) && !line.Contains(" at Dbos.Fluent.Tests.", StringComparison.Ordinal);
}
