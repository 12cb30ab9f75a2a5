using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>Lets runs that only wait leave memory. Their rows then say what they wait for, and any engine takes them up again.</summary>
internal sealed class Parking(Checkpointer checkpointer, ILogger logger)
{
    /// <summary>Called with the id of a parked workflow and what it waits for.</summary>
    public required Action<string, IReadOnlyList<WaitRow>> Parked { get; init; }

    /// <summary>Parks a run. The run ends by itself when that is durable.</summary>
    /// <remarks>
    /// What arrives for the run meanwhile is found by the look that follows its parking. What this run still does is fenced off.
    /// </remarks>
    /// <returns>Completes when it is known whether the run leaves memory; false if it keeps waiting there.</returns>
    public async Task<bool> LeaveAsync(RunScope run, IReadOnlyList<WaitRow> waits)
    {
        try
        {
            var result = await checkpointer.WriteAsync(new ParkUnit(run.Owner, waits)).ConfigureAwait(false);
            run.Stop.Fire(CancellationReason.Shutdown);
            if (result.Status == CommitStatus.Written)
            {
                Parked(run.Work.Id, waits);
            }
        }
        catch (OperationCanceledException)
        {
            // The engine stops, and hands the workflow on with the others.
        }
        catch (Exception exception)
        {
            // The run stays in memory and keeps waiting there.
            logger.ParkingFailed(run.Work.Id, exception);
            return false;
        }

        return true;
    }
}
