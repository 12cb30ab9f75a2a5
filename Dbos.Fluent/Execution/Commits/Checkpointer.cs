using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Group commit: gathers what all running workflows write into few transactions, in as many lanes as the store takes at once.
/// </summary>
internal sealed class Checkpointer
{
    private readonly CommitLane[] lanes;
    private readonly CancellationToken stopped;

    /// <param name="store">Where it writes.</param>
    /// <param name="lanes">How many batches may be under way at once.</param>
    /// <param name="stopped">Gives up whatever has not been written; it would only be waiting for a database that is away.</param>
    public Checkpointer(ICommitStore store, int lanes, CancellationToken stopped)
    {
        this.stopped = stopped;
        this.lanes = new CommitLane[lanes];
        for (var i = 0; i < lanes; i++)
        {
            this.lanes[i] = new CommitLane(store, stopped);
        }
    }

    /// <summary>Writes one unit; it is durable when the task completes. Outages of the database are waited out.</summary>
    /// <exception cref="OperationCanceledException">The engine has stopped; it is not known whether the unit was written.</exception>
    public Task<CommitResult> WriteAsync(CommitUnit unit) =>
        lanes[(int)((uint)unit.LaneKey.GetHashCode(StringComparison.Ordinal) % (uint)lanes.Length)].WriteAsync(unit);

    /// <summary>Writes a unit that gives this engine a row to run.</summary>
    /// <remarks>
    /// Its answer may come late, and the lease may have ended meanwhile: somebody else may have the row. Once the lease is renewed, the
    /// same write once more tells how it stands. Not before, as only what runs when the renewal is answered is asked about then.
    /// </remarks>
    public async Task<CommitResult> WriteOwnAsync(CommitUnit unit, Lease lease)
    {
        while (true)
        {
            var term = lease.Term;
            var result = await WriteAsync(unit).ConfigureAwait(false);
            if (result.Status != CommitStatus.Written || lease.Holds(term))
            {
                return result;
            }

            await lease.EnsureAsync(stopped).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Takes no more units, and waits for those that were taken, but no longer than this: what is written after it belongs to nobody.
    /// </summary>
    public async Task CloseAsync(TimeSpan limit)
    {
        try
        {
            var written = Task.WhenAll(Array.ConvertAll(lanes, lane => lane.CloseAsync()));
            await written.WaitAsync(limit, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The database is away; what it has not got by now it will not get from here.
        }
    }
}
