namespace Dbos.Fluent;

/// <summary>The input of a workflow that a schedule starts. It is the same on every run of the workflow, also after a recovery.</summary>
/// <param name="ScheduledAt">The moment of the occurrence, in UTC, which is not the moment of the start.</param>
/// <param name="StartedAt">
/// When the start was written, on the database's clock. It is not before <paramref name="ScheduledAt"/>, except for a start by hand or a
/// backfill.
/// </param>
/// <param name="Context">The schedule's context at that time; null if it had none.</param>
public sealed record ScheduledRun(DateTimeOffset ScheduledAt, DateTimeOffset StartedAt, string? Context);
