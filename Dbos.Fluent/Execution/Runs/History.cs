using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The checkpoints a run was loaded with, by sequence number. Read only: the run's own writes are not added.</summary>
/// <param name="checkpoints">As the store reads them: ordered by sequence number, each number once.</param>
internal sealed class History(IReadOnlyList<CheckpointRow> checkpoints)
{
    public static History Empty { get; } = new([]);

    /// <summary>The highest recorded number; -1 if nothing is recorded.</summary>
    public int Highest => checkpoints.Count == 0 ? -1 : checkpoints[^1].Sequence;

    /// <summary>The highest recorded number below <see cref="End"/>; -1 if there is none.</summary>
    public int HighestBelowEnd
    {
        get
        {
            for (var i = checkpoints.Count - 1; i >= 0; i--)
            {
                if (checkpoints[i].Sequence < End)
                {
                    return checkpoints[i].Sequence;
                }
            }

            return -1;
        }
    }

    /// <summary>The last checkpoint with this name; null if there is none.</summary>
    public CheckpointRow? Find(string name)
    {
        for (var i = checkpoints.Count - 1; i >= 0; i--)
        {
            if (string.Equals(checkpoints[i].Name, name, StringComparison.Ordinal))
            {
                return checkpoints[i];
            }
        }

        return null;
    }

    /// <summary>
    /// Only rows below this number are shown; by default all are. The row that begins undoing may have the number of a step that was
    /// cancelled before it was recorded.
    /// </summary>
    public int End { get; set; } = int.MaxValue;

    /// <summary>True if anything is recorded at one of these numbers, however far ahead.</summary>
    public bool HoldsFrom(Slots slots)
    {
        for (var i = 0; slots[i] <= Highest; i++)
        {
            if (At(slots[i]) is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The checkpoint at a number.</summary>
    /// <remarks>No index is built: a history may be long, and is mostly read in order.</remarks>
    public CheckpointRow? At(int sequence)
    {
        if (sequence >= End)
        {
            return null;
        }

        // If there is no gap before a row, its index is its number.
        if ((uint)sequence < (uint)checkpoints.Count && checkpoints[sequence].Sequence == sequence)
        {
            return checkpoints[sequence];
        }

        var (low, high) = (0, checkpoints.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = checkpoints[middle].Sequence;
            if (found == sequence)
            {
                return checkpoints[middle];
            }

            (low, high) = found < sequence ? (middle + 1, high) : (low, middle - 1);
        }

        return null;
    }
}
