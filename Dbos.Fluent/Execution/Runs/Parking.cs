using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>Lets runs that only wait leave memory: their rows then say what they wait for, and any engine takes them up again.</summary>
internal sealed class Parking(Checkpointer checkpointer, ILogger logger)
{
    /// <summary>Called with what was parked, and what it waits for.</summary>
    public required Action<string, IReadOnlyList<WaitRow>> Parked { get; init; }

    /// <summary>Parks a run, which ends by itself when that is durable.</summary>
    /// <remarks>
    /// What comes for it meanwhile is found by whoever looks again after the parking; what this run still does is fenced off.
    /// </remarks>
    /// <returns>Completes when it is known whether the run has left; it goes on waiting if not.</returns>
    public async Task LeaveAsync(RunScope run, IReadOnlyList<WaitRow> waits)
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
            // The engine stops, and hands the workflow on with the rest.
        }
        catch (Exception exception)
        {
            // It stays in memory, where it waits as well.
            logger.ParkingFailed(run.Work.Id, exception);
        }
    }
}
