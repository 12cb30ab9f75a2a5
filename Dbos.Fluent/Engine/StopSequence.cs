using System.Runtime.ExceptionServices;

namespace Dbos.Fluent;

/// <summary>Takes the steps of a stop one after another, each also if one before it fails.</summary>
internal static class StopSequence
{
    /// <exception cref="AggregateException">Several steps failed; a single failure is thrown as it is.</exception>
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
                // Thrown at the end: what is left open or owned harms more than a late exception.
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
