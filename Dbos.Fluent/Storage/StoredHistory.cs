using System.Collections;

namespace Dbos.Fluent.Storage;

/// <summary>The checkpoints of one generation of a workflow, ordered by sequence.</summary>
internal sealed class StoredHistory : IReadOnlyList<CheckpointRow>
{
    /// <summary>The sequence number of the row that holds the generation; it sorts before all others.</summary>
    public const int GenerationMark = -1;

    private readonly IReadOnlyList<CheckpointRow> checkpoints;

    /// <param name="rows">Checkpoints, optionally preceded by a row under the mark whose output is the generation.</param>
    public StoredHistory(IReadOnlyList<CheckpointRow> rows)
    {
        var marked = rows is [{ Sequence: GenerationMark }, ..];
        Generation = marked ? int.Parse(rows[0].Output!, System.Globalization.CultureInfo.InvariantCulture) : 0;
        checkpoints = marked ? [.. rows.Skip(1)] : rows;
    }

    public static StoredHistory Empty { get; } = new([]);

    /// <summary>How often the workflow has continued as new.</summary>
    public int Generation { get; }

    public int Count => checkpoints.Count;

    public CheckpointRow this[int index] => checkpoints[index];

    public IEnumerator<CheckpointRow> GetEnumerator() => checkpoints.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
