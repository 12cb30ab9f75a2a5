using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The checkpoints a run was loaded with, by sequence number. Read only: what the run itself writes is not added.</summary>
/// <param name="checkpoints">As the store reads them: ordered by sequence number, each number once.</param>
internal sealed class History(IReadOnlyList<CheckpointRow> checkpoints)
{
    public static History Empty { get; } = new([]);

    /// <summary>The highest recorded number; -1 where nothing is recorded.</summary>
    public int Highest => checkpoints.Count == 0 ? -1 : checkpoints[^1].Sequence;

    /// <summary>The highest recorded number that is shown; -1 where there is none.</summary>
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

    /// <summary>The last checkpoint of a name; null where there is none.</summary>
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
    /// Only what stands below it is shown, by default everything. What is written when undoing begins may stand at the number of a step
    /// that was cancelled before it was recorded.
    /// </summary>
    public int End { get; set; } = int.MaxValue;

    /// <summary>True if something is recorded under one of these numbers, however far on.</summary>
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
    /// <remarks>No index is built for it: a history may be long, and is mostly read in its order.</remarks>
    public CheckpointRow? At(int sequence)
    {
        if (sequence >= End)
        {
            return null;
        }

        // Without a gap before it, a row stands at its own number.
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
