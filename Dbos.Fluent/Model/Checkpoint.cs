namespace Dbos.Fluent;

/// <summary>The stored outcome of one step.</summary>
/// <param name="Sequence">The step's number, from 0 in the order in which steps are yielded.</param>
/// <param name="Name">The step's name; built-in steps have names that begin with <c>DBOS.</c> or <c>Dbos.Fluent.</c>.</param>
/// <param name="Output">Its result as readable JSON; the stored text where it cannot be decoded; null if it failed or has none.</param>
/// <param name="Error">Its recorded failure; null if it succeeded.</param>
/// <param name="ChildId">The workflow it started or awaited; null otherwise.</param>
/// <param name="StartedAt">When its first attempt began; null where no SDK recorded it.</param>
/// <param name="CompletedAt">When it ended; for a sleep, when it ends. Null where no SDK recorded it.</param>
public sealed record Checkpoint(
    int Sequence,
    string Name,
    string? Output,
    RecordedFailure? Error,
    string? ChildId,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt);
