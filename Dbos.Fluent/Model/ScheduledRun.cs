namespace Dbos.Fluent;

/// <summary>The input of a workflow that a schedule starts. The same on every run of it, also after a recovery.</summary>
/// <param name="ScheduledAt">The moment of the occurrence, in UTC: not the one at which the workflow is started.</param>
/// <param name="StartedAt">When the start was written, on the database's clock: not before <paramref name="ScheduledAt"/> but for a
/// start by hand or a backfill.</param>
/// <param name="Context">The schedule's context as it was then; null if it has none.</param>
public sealed record ScheduledRun(DateTimeOffset ScheduledAt, DateTimeOffset StartedAt, string? Context);
