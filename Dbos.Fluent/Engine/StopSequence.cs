using System.Runtime.ExceptionServices;

namespace Dbos.Fluent;

/// <summary>Runs the steps of a stop in order, each even if an earlier one fails.</summary>
internal static class StopSequence
{
    /// <exception cref="AggregateException">Several steps failed; a single failure is thrown unchanged.</exception>
    public static async Task RunAsync(IEnumerable<Func<Task>> steps)
    {
        List<Exception> failures = [];
        foreach (var step in steps)
        {
            try
            {
                await step().ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // Thrown at the end, as resources left open or owned do more harm than a late exception.
                failures.Add(exception);
            }
        }

        if (failures is [var single])
        {
            ExceptionDispatchInfo.Throw(single);
        }

        if (failures.Count > 0)
        {
            throw new AggregateException("Several parts of the engine failed to stop.", failures);
        }
    }
}
