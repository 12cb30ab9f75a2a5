namespace Dbos.Fluent.Model;

/// <summary>Tasks that may fail after everybody has stopped waiting for them.</summary>
internal static class ObservedTask
{
    /// <summary>
    /// Counts a failure as seen whether or not anybody still waits: who waits gets it all the same, and without this the runtime would
    /// report it as unobserved.
    /// </summary>
    public static void ObserveFault(this Task task) => _ = task.ContinueWith(
        static ended => _ = ended.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);
}
