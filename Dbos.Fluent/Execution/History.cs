using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The checkpoints a run was loaded with, by sequence number. Read only: what the run itself writes is not added.</summary>
internal sealed class History
{
    private readonly Dictionary<int, CheckpointRow> rows;

    public History(IReadOnlyList<CheckpointRow> checkpoints)
    {
        rows = new Dictionary<int, CheckpointRow>(checkpoints.Count);
        foreach (var row in checkpoints)
        {
            rows.Add(row.Sequence, row);
            Highest = Math.Max(Highest, row.Sequence);
        }
    }

    public static History Empty { get; } = new([]);

    /// <summary>The highest recorded number; -1 where nothing is recorded.</summary>
    public int Highest { get; } = -1;

    public CheckpointRow? At(int sequence) => rows.GetValueOrDefault(sequence);
}
