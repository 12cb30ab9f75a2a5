using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Group commit: gathers the writes of all running workflows into few transactions, in as many lanes as the store takes at once.
/// </summary>
internal sealed class Checkpointer
{
    private readonly CommitLane[] lanes;
    private readonly CancellationToken stopped;

    /// <param name="store">Where it writes.</param>
    /// <param name="lanes">How many batches may be under way at once.</param>
    /// <param name="stopped">Gives up what is not written yet; it would only wait for a database that is down.</param>
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
    /// The answer may come late. If the lease has ended meanwhile, another executor may own the row. After the lease is renewed, the same
    /// write is repeated, and its answer tells. It must wait for the renewal, which asks only about what runs when it is answered.
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
    /// Takes no more units, and waits up to the limit for those already taken. Nobody owns what would be written after it.
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
            // The database is down. This process gives up what is not written by now.
        }
    }
}
