using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Stores what the steps of one run write.</summary>
internal sealed class StepCommits(RunScope run, StepRecords records)
{
    /// <summary>Stores a row of this run.</summary>
    /// <param name="row">The row.</param>
    /// <param name="place">The step that writes it.</param>
    /// <param name="finishes">Whether the step is finished by it.</param>
    /// <returns>False if the step must stop: see <see cref="CommitAsync"/>.</returns>
    public async ValueTask<bool> StoreAsync(CheckpointRow row, StepPlace place, bool finishes = true) =>
        await CommitAsync(rows => new CheckpointUnit(run.Owner, [row, .. rows]), place, finishes).ConfigureAwait(false) is not null;

    /// <summary>Writes something of this run.</summary>
    /// <param name="make">Makes the unit, with rows that go with it.</param>
    /// <param name="place">The step that writes it.</param>
    /// <param name="finishes">Whether the step is finished by it.</param>
    /// <returns>
    /// The result; null if the step must stop. It must stop if the run no longer owns its workflow, the engine has stopped, or another
    /// member of the race has won.
    /// </returns>
    public async ValueTask<CommitResult?> CommitAsync(
        Func<IReadOnlyList<CheckpointRow>, CommitUnit> make, StepPlace place, bool finishes = true) => place.Race is null
        ? await WriteAsync(make([])).ConfigureAwait(false)
        : await place.Race.CommitAsync(make, finishes, WriteAsync, () => run.Environment.Clock.NowMs).ConfigureAwait(false);

    private async ValueTask<CommitResult?> WriteAsync(CommitUnit unit)
    {
        try
        {
            var result = await run.Environment.Checkpointer.WriteAsync(unit).ConfigureAwait(false);
            if (result.Status != CommitStatus.NotOwned)
            {
                if (result.Status == CommitStatus.Written)
                {
                    run.Stored(unit.HighestSequence);
                }

                if (!result.MovedOn)
                {
                    return result;
                }

                if (result.Status == CommitStatus.Written)
                {
                    // It stands, and nobody else tells of it: the next owner restores the step from its checkpoint.
                    run.Environment.Written(unit);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        // The run has lost its workflow, even if an earlier try wrote the unit: nothing that follows it may begin here.
        await run.LoseAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>Stores a failure of one of the step's own acts and gives it to the step; a replay gives it again.</summary>
    public async ValueTask<StepEnd> FailAsync(Step step, CheckpointRow row, StepPlace place, Exception exception)
    {
        var failed = FailedRow(row, exception);
        return await StoreAsync(failed, place).ConfigureAwait(false) ? records.Restore(step, failed, place) : StepEnd.Stopped;
    }

    /// <summary>Makes the row of a step that failed by one of its own acts.</summary>
    public CheckpointRow FailedRow(CheckpointRow row, Exception exception)
    {
        var error = run.Environment.Serializer.EncodeFailure(Failures.Record(exception), PayloadFormat.MessagePack);
        return row with { Output = null, Error = error.Text, Format = error.Format };
    }
}
