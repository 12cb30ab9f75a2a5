namespace Dbos.Fluent;

/// <summary>The stored outcome of one step.</summary>
/// <param name="Sequence">The step's number, from 0 in the order in which steps are yielded.</param>
/// <param name="Name">The step's name; built-in steps have names that begin with <c>DBOS.</c> or <c>Dbos.Fluent.</c>.</param>
/// <param name="Output">
/// The result as readable JSON; the stored text where it cannot be decoded; null if the step failed or has no result.
/// </param>
/// <param name="Error">The recorded failure; null if the step succeeded.</param>
/// <param name="ChildId">The workflow that the step started or awaited; null otherwise.</param>
/// <param name="StartedAt">When the first attempt began; null where the SDK that wrote the row did not record it.</param>
/// <param name="CompletedAt">
/// When the step ended; for a sleep, when it will end. Null where the SDK that wrote the row did not record it.
/// </param>
public sealed record Checkpoint(
    int Sequence,
    string Name,
    string? Output,
    RecordedFailure? Error,
    string? ChildId,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt);
